<?php

namespace HmsSync\Console\Doctor;

/**
 * The system to which a token belongs.
 */
class Identity
{
    /**
     * Create a new identity.
     *
     * @param  bool  $admin  whether the token may do everything
     * @param  list<string>  $consumes  topics whose events this application is owed
     * @param  list<string>|null  $produces  topics this application may publish to; null when the token does not say
     */
    public function __construct(
        public readonly string $system,
        public readonly bool $admin,
        public readonly array $consumes,
        public readonly ?array $produces,
    ) {
        //
    }
}
