<?php

namespace HmsSync\Inbound\Types;

/**
 * A scalar or a plain array. Nothing is converted but an integer where a float is asked for, which JSON does not tell
 * apart.
 */
class BuiltinType implements Type
{
    /**
     * The types by the name PHP gives them.
     */
    public const NAMES = ['int', 'float', 'string', 'bool', 'array'];

    /**
     * Create a new type.
     *
     * @param  value-of<self::NAMES>  $name
     */
    public function __construct(public readonly string $name)
    {
        //
    }

    /**
     * Take a value of exactly this type.
     *
     * @return int|float|string|bool|array<array-key, mixed>
     */
    public function accept(mixed $value, string $path): int|float|string|bool|array
    {
        if ($this->name === 'float' && is_int($value)) {
            return (float) $value;
        }

        /** @var int|float|string|bool|array<array-key, mixed> */
        return get_debug_type($value) === $this->name ? $value : throw Mismatch::value($path, $this->name, $value);
    }
}
