<?php

namespace HmsSync\Schema;

use DateTimeImmutable;
use DateTimeZone;
use Exception;

/**
 * Reads date-times without an offset, as the bus does.
 */
class LocalTime
{
    /**
     * Get `Y-m-d H:i:s[.u]` or `Y-m-d\TH:i:s[.u]` in a time zone as RFC 3339 in UTC, the fraction kept as written;
     * null when the text is not of that form or not a date.
     *
     * @throws UnknownTimezone
     */
    public static function toUtc(string $text, string $timezone): ?string
    {
        if (! preg_match('/^(\d{4})-(\d{2})-(\d{2})[ T](\d{2}):(\d{2}):(\d{2})(\.\d{1,9})?$/D', $text, $parts)) {
            return null;
        }

        [, $year, $month, $day, $hour, $minute, $second] = $parts;

        // The calendar repeats every 400 years, and PHP has no year 0.
        if (! checkdate((int) $month, (int) $day, (int) $year + 400) || $hour > 23 || $minute > 59 || $second > 59) {
            return null;
        }

        $utc = static::convert("{$year}-{$month}-{$day}T{$hour}:{$minute}:{$second}", $timezone);

        return preg_match('/^\d{4}-/', $utc) ? $utc.($parts[7] ?? '').'Z' : null;
    }

    /**
     * Convert a date-time to UTC.
     */
    protected static function convert(string $local, string $timezone): string
    {
        try {
            $zone = new DateTimeZone($timezone);
        } catch (Exception) {
            throw new UnknownTimezone($timezone);
        }

        return (new DateTimeImmutable($local, $zone))->setTimezone(new DateTimeZone('UTC'))->format('Y-m-d\TH:i:s');
    }
}
