<?php

namespace HmsSync\Broadcasting;

/**
 * What the bus takes for an event's id or type. The sidecar has the same limits and rejects what is outside them.
 */
class Name
{
    /**
     * The most bytes an id may have.
     */
    public const MAX_ID = 256;

    /**
     * The most bytes the name of an event may have.
     */
    public const MAX_EVENT = 512;

    /**
     * Determine whether a text is UTF-8 of 1 to so many bytes without control characters.
     */
    public static function isValid(string $text, int $maxBytes): bool
    {
        return strlen($text) <= $maxBytes && preg_match('/^[^\x00-\x1f\x7f]+$/Du', $text) === 1;
    }

    /**
     * Show a text in an error message, whatever it holds.
     */
    public static function shown(string $text): string
    {
        return mb_strimwidth((string) preg_replace('/[\x00-\x1f\x7f]/u', '?', mb_scrub($text)), 0, 100, '...');
    }
}
