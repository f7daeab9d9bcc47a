<?php

namespace HmsSync\Schema;

use Opis\JsonSchema\Resolvers\FormatResolver;

/**
 * The formats that the bus's validator (ajv) and opis/json-schema read differently, as the bus reads them. All others
 * are those of opis/json-schema.
 */
class Formats
{
    protected const TIME = '/^(\d\d):(\d\d):(\d\d(?:\.\d+)?)(z|([+-])(\d\d)(?::?(\d\d))?)?$/iD';

    protected const DURATION = '/^P(?!$)((\d+Y)?(\d+M)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+S)?)?|(\d+W)?)$/D';

    protected const UUID = '/^(?:urn:uuid:)?[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/iD';

    protected const EMAIL_LOCAL = '[a-z0-9!#$%&\'*+\/=?^_`{|}~-]+';

    protected const EMAIL_LABEL = '[a-z0-9](?:[a-z0-9-]*[a-z0-9])?';

    protected const BYTE = '/^(?:[A-Za-z0-9+\/]{4})*(?:[A-Za-z0-9+\/]{2}==|[A-Za-z0-9+\/]{3}=)?$/mD';

    /**
     * Add the formats to a validator's.
     */
    public static function addTo(FormatResolver $formats): void
    {
        foreach ([
            'date' => static::isDate(...),
            'time' => fn (string $text) => static::isTime($text, true),
            'date-time' => fn (string $text) => static::isDateTime($text, true),
            'iso-time' => fn (string $text) => static::isTime($text, false),
            'iso-date-time' => fn (string $text) => static::isDateTime($text, false),
            'duration' => fn (string $text) => preg_match(self::DURATION, $text) === 1,
            'uuid' => fn (string $text) => preg_match(self::UUID, $text) === 1,
            'email' => static::isEmail(...),
            'byte' => fn (string $text) => preg_match(self::BYTE, $text) === 1,
        ] as $name => $format) {
            $formats->registerCallable('string', $name, $format);
        }

        foreach (['number', 'integer'] as $type) {
            $formats->registerCallable($type, 'int32', fn (int|float $number) => static::isInteger($number) && abs($number + 0.5) < 2 ** 31);
            $formats->registerCallable($type, 'int64', static::isInteger(...));
        }
    }

    /**
     * Determine whether a text is an RFC 3339 full-date.
     */
    protected static function isDate(string $text): bool
    {
        return preg_match('/^(\d{4})-(\d\d)-(\d\d)$/D', $text, $parts) === 1
            && checkdate((int) $parts[2], (int) $parts[3], (int) $parts[1] + 400);
    }

    /**
     * Determine whether a text is a time of day, with or without its offset.
     */
    protected static function isTime(string $text, bool $withOffset): bool
    {
        if (! preg_match(self::TIME, $text, $parts, PREG_UNMATCHED_AS_NULL)) {
            return false;
        }

        [, $hour, $minute, $second] = array_map(floatval(...), $parts);
        [$offsetHours, $offsetMinutes] = [(int) ($parts[6] ?? 0), (int) ($parts[7] ?? 0)];

        if ($offsetHours > 23 || $offsetMinutes > 59 || ($withOffset && $parts[4] === null)) {
            return false;
        }

        if ($hour <= 23 && $minute <= 59 && $second < 60) {
            return true;
        }

        $sign = $parts[5] === '-' ? -1 : 1;

        return $second < 61 && static::isLeapMinute($hour, $minute, $sign * $offsetHours, $sign * $offsetMinutes);
    }

    /**
     * Determine whether a minute is the last one of a day in UTC, which alone can have a 61st second.
     */
    protected static function isLeapMinute(float $hour, float $minute, int $offsetHours, int $offsetMinutes): bool
    {
        $utcMinute = $minute - $offsetMinutes;
        $utcHour = $hour - $offsetHours - ($utcMinute < 0 ? 1 : 0);

        return in_array($utcHour, [23.0, -1.0], true) && in_array($utcMinute, [59.0, -1.0], true);
    }

    /**
     * Determine whether a text is a date and a time, with or without its offset.
     */
    protected static function isDateTime(string $text, bool $withOffset): bool
    {
        $parts = preg_split('/[t\s]/iu', $text) ?: [];

        return count($parts) === 2 && static::isDate($parts[0]) && static::isTime($parts[1], $withOffset);
    }

    /**
     * Determine whether a text is an address with a domain of at least two labels.
     */
    protected static function isEmail(string $text): bool
    {
        $label = self::EMAIL_LABEL;

        return preg_match('/^'.self::EMAIL_LOCAL.'(?:\.'.self::EMAIL_LOCAL.")*@(?:{$label}\.)+{$label}$/iD", $text) === 1;
    }

    /**
     * Determine whether a number has no fraction.
     */
    protected static function isInteger(int|float $number): bool
    {
        return is_int($number) || fmod($number, 1.0) === 0.0;
    }
}
