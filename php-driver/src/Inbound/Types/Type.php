<?php

namespace HmsSync\Inbound\Types;

/**
 * What a parameter of an event class takes.
 */
interface Type
{
    /**
     * Make the argument of a decoded JSON value.
     *
     * @param  string  $path  where in the payload the value is, e.g. "items[2].kind"
     *
     * @throws \HmsSync\Inbound\Types\Mismatch when the value is not of this type
     */
    public function accept(mixed $value, string $path): mixed;
}
