<?php

namespace HmsSync\Inbound;

use Carbon\CarbonImmutable;
use HmsSync\Origin\CurrentOrigin;

/**
 * Reads the members of an envelope, each as what the bus promises it to be.
 */
class EnvelopeMembers
{
    /**
     * The members by name.
     *
     * @var array<array-key, mixed>
     */
    protected array $members;

    /**
     * Create a new reader of a decoded text.
     *
     * @throws \HmsSync\Inbound\Undeliverable when it is not an object
     */
    public function __construct(mixed $decoded)
    {
        if (! is_array($decoded) || array_is_list($decoded)) {
            throw new Undeliverable('HMS-Sync: the envelope is not a JSON object.');
        }

        $this->members = $decoded;
    }

    /**
     * Get a text that is not empty.
     */
    public function text(string $name): string
    {
        $value = $this->members[$name] ?? null;

        return is_string($value) && $value !== '' ? $value : $this->refuse($name, 'a text');
    }

    /**
     * Get a text, null when the envelope has none.
     */
    public function optionalText(string $name): ?string
    {
        return isset($this->members[$name]) ? $this->text($name) : null;
    }

    /**
     * Get an integer.
     */
    public function integer(string $name): int
    {
        $value = $this->members[$name] ?? null;

        return is_int($value) ? $value : $this->refuse($name, 'an integer');
    }

    /**
     * Get the members of an object.
     *
     * @return array<array-key, mixed>
     */
    public function object(string $name): array
    {
        $value = $this->members[$name] ?? null;

        return is_array($value) && ($value === [] || ! array_is_list($value)) ? $value : $this->refuse($name, 'an object');
    }

    /**
     * Get the quality of service.
     */
    public function qos(string $name): string
    {
        $value = $this->members[$name] ?? null;

        return in_array($value, ['at_least_once', 'exactly_once'], true)
            ? $value
            : $this->refuse($name, 'at_least_once or exactly_once');
    }

    /**
     * Get a point in time.
     */
    public function time(string $name): CarbonImmutable
    {
        return Timestamp::parse($this->members[$name] ?? null) ?? $this->refuse($name, 'a date-time of RFC 3339');
    }

    /**
     * Get names of systems separated by commas, an empty text when the envelope has none.
     */
    public function origin(string $name): string
    {
        $value = $this->members[$name] ?? '';

        return is_string($value) && ($value === '' || CurrentOrigin::isValid($value))
            ? $value
            : $this->refuse($name, 'names of systems separated by commas');
    }

    /**
     * Refuse a member without showing what it holds.
     */
    protected function refuse(string $name, string $expected): never
    {
        $got = array_key_exists($name, $this->members) ? 'is not '.$expected : 'is missing';

        throw new Undeliverable("HMS-Sync: the envelope's member [{$name}] {$got}. Is what listens connected to the gateway of HMS-Sync?");
    }
}
