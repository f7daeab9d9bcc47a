<?php

namespace HmsSync\Inbound\Types;

/**
 * An array of which every element has the same type.
 */
class ListType implements Type
{
    /**
     * Create a new type.
     */
    public function __construct(protected Type $element)
    {
        //
    }

    /**
     * Take a JSON array.
     *
     * @return list<mixed>
     */
    public function accept(mixed $value, string $path): array
    {
        if (! is_array($value) || ! array_is_list($value)) {
            throw Mismatch::value($path, 'array', $value);
        }

        return array_map(
            fn (mixed $element, int $index) => $this->element->accept($element, "{$path}[{$index}]"),
            $value, array_keys($value)
        );
    }
}
