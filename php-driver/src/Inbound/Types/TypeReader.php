<?php

namespace HmsSync\Inbound\Types;

use BackedEnum;
use HmsSync\Inbound\ListOf;
use Illuminate\Database\Eloquent\Model;
use Illuminate\Support\Enumerable;
use ReflectionClass;
use ReflectionNamedType;
use ReflectionParameter;
use ReflectionType;
use ReflectionUnionType;
use UnitEnum;

/**
 * Reads from the constructors of classes what they take. Only classes that the application's own code names are ever
 * looked at, each once.
 */
class TypeReader
{
    /**
     * What is known already, by class.
     *
     * @var array<class-string, \HmsSync\Inbound\Types\ObjectType>
     */
    protected array $objects = [];

    /**
     * Get what the constructor of a class takes.
     *
     * @param  class-string  $class
     *
     * @throws \HmsSync\Inbound\Types\Unbuildable
     */
    public function object(string $class): ObjectType
    {
        if (isset($this->objects[$class])) {
            return $this->objects[$class];
        }

        $reflection = $this->buildable($class);
        $type = $this->objects[$class] = new ObjectType($class);

        try {
            $type->define($this->parameters($reflection));
        } catch (Unbuildable $e) {
            unset($this->objects[$class]);

            throw $e;
        }

        return $type;
    }

    /**
     * Refuse what the members of an object say nothing about. PHP's own classes open files or run code.
     *
     * @param  class-string  $class
     * @return \ReflectionClass<object>
     */
    protected function buildable(string $class): ReflectionClass
    {
        $reflection = new ReflectionClass($class);

        return match (true) {
            is_subclass_of($class, Model::class) => throw new Unbuildable("[{$class}] is a model; take its key, and load it in the listener"),
            is_subclass_of($class, Enumerable::class) => throw new Unbuildable("[{$class}] is a collection; take an array with #[ListOf]"),
            $reflection->isInternal() => throw new Unbuildable("[{$class}] is a class of PHP; take a string, an array or a class of your own"),
            ! $reflection->isInstantiable() => throw new Unbuildable("[{$class}] is abstract, an interface, or has no public constructor; take a class that can be built"),
            default => $reflection,
        };
    }

    /**
     * Read the parameters of a constructor.
     *
     * @param  \ReflectionClass<object>  $class
     * @return array<string, \HmsSync\Inbound\Types\Parameter>
     */
    protected function parameters(ReflectionClass $class): array
    {
        $parameters = [];

        foreach ($class->getConstructor()?->getParameters() ?? [] as $parameter) {
            $parameters[$parameter->getName()] = $this->parameter($parameter);
        }

        return $parameters;
    }

    /**
     * Read one parameter.
     */
    protected function parameter(ReflectionParameter $parameter): Parameter
    {
        if ($parameter->isVariadic() || $parameter->isPassedByReference()) {
            throw $this->refused($parameter, 'it is variadic or a reference; take an array with #[ListOf]');
        }

        try {
            $type = $this->type($parameter);
        } catch (Unbuildable $e) {
            throw $this->refused($parameter, $e->getMessage());
        }

        return new Parameter($type, $parameter->allowsNull(), $parameter->isDefaultValueAvailable());
    }

    /**
     * Read the type of a parameter.
     */
    protected function type(ReflectionParameter $parameter): Type
    {
        $type = $parameter->getType();
        $list = ($parameter->getAttributes(ListOf::class)[0] ?? null)?->newInstance();

        $read = match (true) {
            $list !== null => $this->list($list, $type),
            $type === null => new AnyType,
            $type instanceof ReflectionNamedType => $this->named($type->getName(), $type->isBuiltin(), $parameter),
            $type instanceof ReflectionUnionType => $this->union($type),
            default => throw new Unbuildable("the type {$type} is not supported; name one class"),
        };

        return $type?->allowsNull() ? new NullableType($read) : $read;
    }

    /**
     * Read the attribute that says what an array holds.
     */
    protected function list(ListOf $list, ?ReflectionType $type): ListType
    {
        if (! $type instanceof ReflectionNamedType || $type->getName() !== 'array') {
            throw new Unbuildable('it has #[ListOf] and is no array; declare it as array');
        }

        return new ListType(in_array($list->type, BuiltinType::NAMES, true)
            ? new BuiltinType($list->type)
            : $this->class($list->type));
    }

    /**
     * Read a type that is one name.
     */
    protected function named(string $name, bool $builtin, ReflectionParameter $parameter): Type
    {
        return match (true) {
            ! $builtin => $this->class($name === 'self' ? (string) $parameter->getDeclaringClass()?->getName() : $name),
            $name === 'mixed' => new AnyType,
            in_array($name, BuiltinType::NAMES, true) => new BuiltinType($name),
            default => throw new Unbuildable("the type {$name} is not supported; take int, float, string, bool, array or a class"),
        };
    }

    /**
     * Read a union. A class in it would have to be guessed.
     */
    protected function union(ReflectionUnionType $union): UnionType
    {
        $types = [];

        foreach ($union->getTypes() as $type) {
            $name = $type instanceof ReflectionNamedType ? $type->getName() : '';

            if ($name !== 'null') {
                $types[] = in_array($name, BuiltinType::NAMES, true)
                    ? new BuiltinType($name)
                    : throw new Unbuildable("the type {$union} is not supported; a union may hold int, float, string, bool, array and null");
            }
        }

        return new UnionType($types);
    }

    /**
     * Read a type that is the name of a class.
     */
    protected function class(string $class): Type
    {
        return match (true) {
            ! class_exists($class) && ! interface_exists($class) => throw new Unbuildable("[{$class}] does not exist; is its name right?"),
            is_a($class, BackedEnum::class, true) && $class !== BackedEnum::class => new EnumType($class),
            is_a($class, UnitEnum::class, true) => throw new Unbuildable("the enum [{$class}] has no values; back it by string or int"),
            DateType::takes($class) => new DateType($class),
            default => $this->object($class),
        };
    }

    /**
     * Create the exception for a parameter that no payload can fill.
     */
    protected function refused(ReflectionParameter $parameter, string $reason): Unbuildable
    {
        return new Unbuildable(sprintf(
            'the parameter $%s of [%s] cannot be taken from a payload: %s',
            $parameter->getName(), $parameter->getDeclaringClass()?->getName(), $reason
        ));
    }
}
