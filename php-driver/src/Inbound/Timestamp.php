<?php

namespace HmsSync\Inbound;

use Carbon\CarbonImmutable;

/**
 * The date-times of RFC 3339, section 5.6, the only form of a point in time on the bus.
 */
class Timestamp
{
    protected const FORM = '/^(\d{4})-(\d{2})-(\d{2})[Tt]([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$/D';

    /**
     * Read a date-time into the application's timezone, as every other date of a Laravel application is. Null when
     * it is none. Digits beyond the microsecond are cut off.
     */
    public static function parse(mixed $text): ?CarbonImmutable
    {
        if (! is_string($text) || ! preg_match(self::FORM, $text, $part) || ! checkdate((int) $part[2], (int) $part[3], (int) $part[1])) {
            return null;
        }

        $text = (string) preg_replace('/(\.\d{6})\d+/', '$1', strtoupper($text));

        return CarbonImmutable::parse($text)->setTimezone(date_default_timezone_get());
    }
}
