<?php

namespace HmsSync\Schema;

use stdClass;

/**
 * Does to a payload what the bus does before it validates: members that are missing get the default of their schema,
 * date-times without an offset become UTC.
 */
class Normalizer
{
    /**
     * Finds the schemas that hold for a value together.
     */
    protected JointSchemas $joint;

    /**
     * Create a new normalizer.
     *
     * @param  stdClass  $schema  a schema whose references are all local
     * @param  string  $timezone  of date-times without an offset
     */
    public function __construct(protected stdClass $schema, protected string $timezone)
    {
        $this->joint = new JointSchemas($schema);
    }

    /**
     * Get the normalized form of a payload.
     *
     * @throws UnknownTimezone when there is a date-time without an offset, and the time zone is none
     */
    public function normalize(mixed $payload): mixed
    {
        return $this->value($payload, [$this->schema]);
    }

    /**
     * Normalize the value to which these schemas apply.
     *
     * @param  list<stdClass|bool>  $schemas
     */
    protected function value(mixed $value, array $schemas): mixed
    {
        $schemas = $this->joint->of($schemas);

        return match (true) {
            $value instanceof stdClass => $this->object($value, $schemas),
            is_array($value) => $this->list(array_values($value), $schemas),
            is_string($value) && $this->isDateTime($schemas) => LocalTime::toUtc($value, $this->timezone) ?? $value,
            default => $value,
        };
    }

    /**
     * Normalize an object's members and add those with a default.
     *
     * @param  list<stdClass>  $schemas
     */
    protected function object(stdClass $object, array $schemas): stdClass
    {
        $properties = $this->propertiesOf($schemas);
        $others = $this->othersOf($schemas);
        $members = [];

        foreach (get_object_vars($object) as $name => $value) {
            $members[$name] = $this->value($value, $properties[$name] ?? $others);
        }

        return (object) $this->withDefaults($members, $properties);
    }

    /**
     * Normalize the elements of a list.
     *
     * @param  list<mixed>  $list
     * @param  list<stdClass>  $schemas
     * @return list<mixed>
     */
    protected function list(array $list, array $schemas): array
    {
        $prefixes = array_map(fn (stdClass $schema) => (array) ($schema->prefixItems ?? []), $schemas);
        $longest = max([0, ...array_map(count(...), $prefixes)]);

        foreach ($list as $index => $element) {
            $applying = $index < $longest
                ? array_map(fn (stdClass $schema, array $prefix) => $prefix[$index] ?? $schema->items ?? null, $schemas, $prefixes)
                : array_map(fn (stdClass $schema) => $schema->items ?? null, $schemas);

            $list[$index] = $this->value($element, $this->onlySchemas($applying));
        }

        return $list;
    }

    /**
     * Insert the missing members that have a default, each after the nearest member that the schema lists before it.
     *
     * @param  array<array-key, mixed>  $members
     * @param  array<array-key, list<stdClass|bool>>  $properties
     * @return array<array-key, mixed>
     */
    protected function withDefaults(array $members, array $properties): array
    {
        $anchor = null;
        $leading = [];
        $following = [];

        foreach ($properties as $name => $schemas) {
            if (array_key_exists($name, $members)) {
                $anchor = $name;
            } elseif (($default = $this->defaultOf($schemas)) !== []) {
                $anchor === null ? $leading[$name] = $default[0] : $following[$anchor][$name] = $default[0];
            }
        }

        $all = $leading;

        foreach ($members as $name => $value) {
            $all += [$name => $value] + ($following[$name] ?? []);
        }

        return $all;
    }

    /**
     * Get the default that these schemas give a member, in a list, since null may be one.
     *
     * @param  list<stdClass|bool>  $schemas
     * @return list<mixed>
     */
    protected function defaultOf(array $schemas): array
    {
        foreach ($this->joint->of($schemas) as $schema) {
            if (property_exists($schema, 'default')) {
                return [$schema->default];
            }
        }

        return [];
    }

    /**
     * Get the schemas of the members that are named, in the order of the schemas.
     *
     * @param  list<stdClass>  $schemas
     * @return array<array-key, list<stdClass|bool>>
     */
    protected function propertiesOf(array $schemas): array
    {
        $properties = [];

        foreach ($schemas as $schema) {
            foreach ((array) ($schema->properties ?? []) as $name => $property) {
                if (Subschemas::isSchema($property)) {
                    $properties[$name][] = $property;
                }
            }
        }

        return $properties;
    }

    /**
     * Get the schemas of the members that are not named. Where patterns name some, none are followed.
     *
     * @param  list<stdClass>  $schemas
     * @return list<stdClass|bool>
     */
    protected function othersOf(array $schemas): array
    {
        foreach ($schemas as $schema) {
            if ((array) ($schema->patternProperties ?? []) !== []) {
                return [];
            }
        }

        return $this->onlySchemas(array_map(fn (stdClass $schema) => $schema->additionalProperties ?? null, $schemas));
    }

    /**
     * Determine whether a string is to be a date-time.
     *
     * @param  list<stdClass>  $schemas
     */
    protected function isDateTime(array $schemas): bool
    {
        foreach ($schemas as $schema) {
            if (($schema->format ?? null) === 'date-time') {
                return true;
            }
        }

        return false;
    }

    /**
     * Leave out what is no schema.
     *
     * @param  array<mixed>  $values
     * @return list<stdClass|bool>
     */
    protected function onlySchemas(array $values): array
    {
        return array_values(array_filter($values, Subschemas::isSchema(...)));
    }
}
