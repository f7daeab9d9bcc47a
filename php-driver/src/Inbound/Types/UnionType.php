<?php

namespace HmsSync\Inbound\Types;

/**
 * A union of scalars and array. The value keeps the type it has; an integer becomes a float only when the union has
 * no int.
 */
class UnionType implements Type
{
    /**
     * Create a new type.
     *
     * @param  list<\HmsSync\Inbound\Types\BuiltinType>  $types
     */
    public function __construct(protected array $types)
    {
        //
    }

    /**
     * Take what one of the types takes.
     */
    public function accept(mixed $value, string $path): mixed
    {
        $names = array_map(fn (BuiltinType $type) => $type->name, $this->types);

        return match (true) {
            in_array(get_debug_type($value), $names, true) => $value,
            is_int($value) && in_array('float', $names, true) => (float) $value,
            default => throw Mismatch::value($path, implode(' or ', $names), $value),
        };
    }
}
