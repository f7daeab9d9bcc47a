<?php

namespace HmsSync\Inbound\Types;

use BackedEnum;
use Illuminate\Support\Str;
use ReflectionEnum;

/**
 * A backed enum.
 */
class EnumType implements Type
{
    /**
     * What the enum's cases are backed by, "int" or "string".
     */
    protected string $backing;

    /**
     * Create a new type.
     *
     * @param  class-string<\BackedEnum>  $enum
     */
    public function __construct(protected string $enum)
    {
        $this->backing = (string) (new ReflectionEnum($enum))->getBackingType();
    }

    /**
     * Take the value of one of the cases. tryFrom() alone would take "1" for 1.
     */
    public function accept(mixed $value, string $path): BackedEnum
    {
        $case = (is_int($value) || is_string($value)) && get_debug_type($value) === $this->backing
            ? $this->enum::tryFrom($value)
            : null;

        return $case ?? throw Mismatch::value($path, "one of {$this->cases()}", $value);
    }

    /**
     * List the values there are, which the application wrote, not the sender.
     */
    protected function cases(): string
    {
        return Str::limit(implode(', ', array_map(
            fn (BackedEnum $case) => (string) json_encode($case->value), $this->enum::cases()
        )), 300);
    }
}
