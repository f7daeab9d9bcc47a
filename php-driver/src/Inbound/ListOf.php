<?php

namespace HmsSync\Inbound;

use Attribute;

/**
 * Says what the elements of an array parameter are. Without it an array is taken as it is.
 */
#[Attribute(Attribute::TARGET_PARAMETER)]
final class ListOf
{
    /**
     * Create a new attribute.
     *
     * @param  string  $type  "int", "float", "string", "bool", or a class: a backed enum, a date, or one built by name
     */
    public function __construct(public readonly string $type)
    {
        //
    }
}
