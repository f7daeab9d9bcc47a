<?php

namespace HmsSync\Inbound\Types;

/**
 * A parameter without a type, or of type mixed: it gets what json_decode() makes of the value.
 */
class AnyType implements Type
{
    /**
     * Take the value as it is.
     */
    public function accept(mixed $value, string $path): mixed
    {
        return $value;
    }
}
