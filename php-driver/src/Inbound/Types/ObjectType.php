<?php

namespace HmsSync\Inbound\Types;

/**
 * A class whose constructor takes the members of a JSON object by name.
 */
class ObjectType implements Type
{
    /**
     * The parameters of the constructor by name.
     *
     * @var array<string, \HmsSync\Inbound\Types\Parameter>
     */
    protected array $parameters = [];

    /**
     * Create a new type.
     *
     * @param  class-string  $class
     */
    public function __construct(public readonly string $class)
    {
        //
    }

    /**
     * Say what the constructor takes. This comes after the creation because a class may hold others of its own kind.
     *
     * @param  array<string, \HmsSync\Inbound\Types\Parameter>  $parameters
     */
    public function define(array $parameters): void
    {
        $this->parameters = $parameters;
    }

    /**
     * Take a JSON object. Members for which there is no parameter are left out.
     */
    public function accept(mixed $value, string $path): object
    {
        if (! is_array($value) || ($value !== [] && array_is_list($value))) {
            throw Mismatch::value($path, 'object', $value);
        }

        $arguments = [];

        foreach ($this->parameters as $name => $parameter) {
            $field = $path === '' ? $name : "{$path}.{$name}";

            if (array_key_exists($name, $value)) {
                $arguments[$name] = $parameter->type->accept($value[$name], $field);
            } elseif (! $parameter->hasDefault) {
                $arguments[$name] = $parameter->nullable ? null : throw Mismatch::missing($field);
            }
        }

        return new $this->class(...$arguments);
    }
}
