<?php

namespace HmsSync\Schema;

use RuntimeException;

/**
 * A date-time without an offset cannot be read, because the time zone it is in is none.
 */
class UnknownTimezone extends RuntimeException
{
    /**
     * Create a new exception.
     */
    public function __construct(string $timezone)
    {
        parent::__construct(
            "[{$timezone}] is no time zone, and the payload has a date-time without an offset; ".
            'set app.timezone to an IANA name like America/Chicago'
        );
    }
}
