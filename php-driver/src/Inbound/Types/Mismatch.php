<?php

namespace HmsSync\Inbound\Types;

use RuntimeException;

/**
 * A field of a payload is not what the event class takes. The message shows the field's place and what kind of value
 * it has, never the value.
 */
class Mismatch extends RuntimeException
{
    /**
     * Create a new exception for a value that has another type.
     */
    public static function value(string $path, string $expected, mixed $value): self
    {
        return new self("field {$path}: expected {$expected}, got ".self::kind($value));
    }

    /**
     * Create a new exception for a field that is not there.
     */
    public static function missing(string $path): self
    {
        return new self("field {$path} is missing");
    }

    /**
     * Name the type of a decoded JSON value.
     */
    protected static function kind(mixed $value): string
    {
        return match (true) {
            is_array($value) => $value !== [] && ! array_is_list($value) ? 'object' : 'array',
            is_float($value) && abs($value) >= PHP_INT_MAX && floor($value) === $value => 'a number beyond 64 bits',
            default => get_debug_type($value),
        };
    }
}
