<?php

namespace HmsSync\Inbound\Types;

/**
 * One parameter of a constructor.
 */
class Parameter
{
    /**
     * Create a new parameter.
     *
     * @param  bool  $nullable  a field that is missing is null
     * @param  bool  $hasDefault  a field that is missing has the constructor's default
     */
    public function __construct(
        public readonly Type $type,
        public readonly bool $nullable,
        public readonly bool $hasDefault,
    ) {
        //
    }
}
