<?php

namespace HmsSync\Inbound\Types;

/**
 * Another type, or null.
 */
class NullableType implements Type
{
    /**
     * Create a new type.
     */
    public function __construct(protected Type $type)
    {
        //
    }

    /**
     * Take null, or what the other type takes.
     */
    public function accept(mixed $value, string $path): mixed
    {
        return $value === null ? null : $this->type->accept($value, $path);
    }
}
