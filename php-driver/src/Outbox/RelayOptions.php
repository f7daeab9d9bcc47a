<?php

namespace HmsSync\Outbox;

/**
 * How long and how hard a relay works.
 */
class RelayOptions
{
    /**
     * Create a new instance.
     *
     * @param  bool  $once  send one batch and stop
     * @param  list<string>  $databases  database connections, empty for all that have an outbox
     * @param  int  $batch  rows
     * @param  float  $sleep  seconds
     * @param  int  $maxTime  seconds, 0 for no end
     * @param  int  $memory  megabytes
     */
    public function __construct(
        public readonly bool $once = false,
        public readonly bool $stopWhenEmpty = false,
        public readonly array $databases = [],
        public readonly int $batch = 500,
        public readonly float $sleep = 0.5,
        public readonly int $maxTime = 0,
        public readonly int $memory = 128,
    ) {
        //
    }
}
