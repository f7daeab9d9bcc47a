<?php

namespace HmsSync\Broadcasting;

use Illuminate\Support\Carbon;
use Illuminate\Support\Facades\Date;

/**
 * The time as the bus takes it: in the application's time zone, with its offset, to the microsecond.
 */
class Clock
{
    /**
     * The second and the time zone of the texts kept: to make them costs microseconds, and every broadcast asks.
     */
    protected string $second = '';

    protected string $timezone = '';

    /**
     * The date with the second, and the offset.
     */
    protected string $date = '';

    protected string $offset = '';

    /**
     * Get the time. A test that stopped the clock gets the one that it set.
     */
    public function now(): string
    {
        if (Carbon::hasTestNow()) {
            return Date::now()->format('Y-m-d\TH:i:s.uP');
        }

        [$fraction, $second] = explode(' ', microtime());

        if ($second !== $this->second || date_default_timezone_get() !== $this->timezone) {
            [$this->second, $this->timezone] = [$second, date_default_timezone_get()];
            [$this->date, $this->offset] = explode('|', date('Y-m-d\TH:i:s|P', (int) $second));
        }

        return $this->date.substr($fraction, 1, 7).$this->offset;
    }
}
