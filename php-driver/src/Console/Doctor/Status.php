<?php

namespace HmsSync\Console\Doctor;

/**
 * How a check ended.
 */
enum Status: string
{
    case Ok = 'ok';

    /** Works, but not as it should in production. */
    case Warn = 'warn';

    /** Does not work. */
    case Fail = 'fail';

    /** Could not be checked, because another check failed. */
    case Skip = 'skip';

    /**
     * Get the style in which the console shows it.
     */
    public function style(): string
    {
        return match ($this) {
            self::Ok => 'fg=green;options=bold',
            self::Warn => 'fg=yellow;options=bold',
            self::Fail => 'fg=red;options=bold',
            self::Skip => 'fg=gray',
        };
    }
}
