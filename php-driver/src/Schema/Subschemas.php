<?php

namespace HmsSync\Schema;

use stdClass;

/**
 * Walks a JSON Schema (2020-12). What stands in const, default, enum or examples is no schema, whatever it looks like.
 */
class Subschemas
{
    /**
     * The keywords whose value is one schema.
     */
    protected const SINGLE = [
        'items', 'contains', 'additionalProperties', 'propertyNames', 'not', 'if', 'then', 'else',
        'unevaluatedItems', 'unevaluatedProperties',
    ];

    /**
     * The keywords whose value is a list of schemas, or schemas by name.
     */
    protected const SEVERAL = [
        'allOf', 'anyOf', 'oneOf', 'prefixItems',
        'properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas',
    ];

    /**
     * Get every schema inside one, itself first.
     *
     * @return iterable<stdClass|bool>
     */
    public static function all(stdClass|bool $schema): iterable
    {
        yield $schema;

        foreach (static::of($schema) as $inner) {
            yield from static::all($inner);
        }
    }

    /**
     * Determine whether a value is a schema.
     *
     * @phpstan-assert-if-true stdClass|bool $value
     */
    public static function isSchema(mixed $value): bool
    {
        return is_bool($value) || $value instanceof stdClass;
    }

    /**
     * Get the schemas directly inside one.
     *
     * @return list<stdClass|bool>
     */
    protected static function of(stdClass|bool $schema): array
    {
        if (is_bool($schema)) {
            return [];
        }

        $found = array_map(fn (string $keyword) => $schema->{$keyword} ?? null, self::SINGLE);

        foreach (self::SEVERAL as $keyword) {
            array_push($found, ...array_values((array) ($schema->{$keyword} ?? [])));
        }

        return array_values(array_filter($found, static::isSchema(...)));
    }
}
