<?php

namespace HmsSync\Broadcasting;

use Illuminate\Broadcasting\BroadcastException;
use JsonException;
use JsonSerializable;
use Throwable;

/**
 * JSON as Laravel's own drivers write it, except that what cannot be encoded is an error: Laravel's redis driver
 * publishes an empty message instead. A float keeps its fraction, so that 10.0 stays a number with one.
 */
class Json
{
    protected const FLAGS = JSON_THROW_ON_ERROR | JSON_PRESERVE_ZERO_FRACTION;

    /**
     * Encode a value.
     *
     * @param  string  $path  what the value is, for the error
     *
     * @throws \Illuminate\Broadcasting\BroadcastException naming the member that cannot be encoded
     */
    public static function encode(mixed $value, string $event, string $path): string
    {
        try {
            return json_encode($value, self::FLAGS);
        } catch (Throwable $e) {
            throw new BroadcastException(sprintf(
                'HMS-Sync: event [%s] cannot be broadcast: %s cannot be encoded as JSON: %s. %s.',
                Name::shown($event), static::culprit($value, $path, static::depthToSearch($e)), rtrim($e->getMessage(), '.'), static::remedy($e)
            ), 0, $e);
        }
    }

    /**
     * Encode an array as a JSON object, also when it is empty or a list.
     *
     * @param  array<array-key, mixed>  $value
     *
     * @throws \Illuminate\Broadcasting\BroadcastException naming the member that cannot be encoded
     */
    public static function encodeObject(array $value, string $event, string $path): string
    {
        return static::encode(array_is_list($value) ? (object) $value : $value, $event, $path);
    }

    /**
     * Get the path of the innermost member that cannot be encoded, down to some depth.
     */
    protected static function culprit(mixed $value, string $path, int $depth): string
    {
        foreach ($depth > 0 ? static::members($value) : [] as $key => $member) {
            if (! static::isEncodable($member)) {
                return static::culprit($member, $path.'.'.Name::shown((string) $key), $depth - 1);
            }
        }

        return $path;
    }

    /**
     * Say how deep to search: not far into what is too deep, or contains itself.
     */
    protected static function depthToSearch(Throwable $e): int
    {
        return in_array($e->getCode(), [JSON_ERROR_DEPTH, JSON_ERROR_RECURSION], true) ? 1 : 16;
    }

    /**
     * Get what json_encode would go into. An object that makes its own JSON is taken as a whole.
     *
     * @return array<array-key, mixed>
     */
    protected static function members(mixed $value): array
    {
        return match (true) {
            is_array($value) => $value,
            is_object($value) && ! $value instanceof JsonSerializable => get_object_vars($value),
            default => [],
        };
    }

    /**
     * Determine whether a value can be encoded.
     */
    protected static function isEncodable(mixed $value): bool
    {
        try {
            json_encode($value, self::FLAGS);

            return true;
        } catch (Throwable) {
            return false;
        }
    }

    /**
     * Say what to do about it.
     */
    protected static function remedy(Throwable $e): string
    {
        return match ($e instanceof JsonException ? $e->getCode() : null) {
            JSON_ERROR_UTF8 => 'Convert it to UTF-8 before broadcasting, or leave it out in broadcastWith()',
            JSON_ERROR_INF_OR_NAN => 'Broadcast a finite number or null instead',
            JSON_ERROR_DEPTH, JSON_ERROR_RECURSION => 'Broadcast only the fields that consumers need, from broadcastWith()',
            default => 'Broadcast plain values instead, from broadcastWith()',
        };
    }
}
