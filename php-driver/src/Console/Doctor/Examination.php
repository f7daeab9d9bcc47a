<?php

namespace HmsSync\Console\Doctor;

/**
 * What the checks have learned so far.
 */
class Examination
{
    /**
     * The name of the Redis connection that the driver uses, once it is known.
     */
    public ?string $connection = null;

    /**
     * The intake stream, once it has been found writable.
     */
    public ?IntakeRedis $intake = null;

    /**
     * Whether the sidecar answers.
     */
    public bool $sidecarAnswers = false;

    /**
     * How far the sidecar's clock is ahead of this one, in seconds, once it is known.
     */
    public ?float $skew = null;

    /**
     * Whose token it is and what that system may do, once the sidecar has taken the token.
     */
    public ?Identity $identity = null;

    /**
     * Create a new examination.
     *
     * @param  float  $timeout  seconds that a request may take, and the probe
     */
    public function __construct(public readonly float $timeout)
    {
        //
    }
}
