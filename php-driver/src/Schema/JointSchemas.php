<?php

namespace HmsSync\Schema;

use stdClass;

/**
 * The schemas that hold for one value together: the given ones and whatever they reach by a local $ref, by allOf, and
 * by anyOf or oneOf of one schema and {"type": "null"}. Other alternatives are not followed, as which one holds is
 * known only after validation. The sidecar fills in defaults by the same rule.
 */
class JointSchemas
{
    /**
     * Create a new instance for the schema at whose root local references begin.
     */
    public function __construct(protected stdClass $root)
    {
        //
    }

    /**
     * Get the joint schemas, those named first in front.
     *
     * @param  list<stdClass|bool>  $schemas
     * @return list<stdClass>
     */
    public function of(array $schemas): array
    {
        $joint = [];

        while (($schema = array_shift($schemas)) !== null) {
            if ($schema instanceof stdClass && ! isset($joint[spl_object_id($schema)])) {
                $joint[spl_object_id($schema)] = $schema;
                array_unshift($schemas, ...$this->impliedBy($schema));
            }
        }

        return array_values($joint);
    }

    /**
     * Get the schemas that hold wherever this one does.
     *
     * @return list<stdClass|bool>
     */
    protected function impliedBy(stdClass $schema): array
    {
        $target = is_string($schema->{'$ref'} ?? null) ? $this->target($schema->{'$ref'}) : null;

        return [
            ...($target === null ? [] : [$target]),
            ...$this->listed($schema->allOf ?? null),
            ...$this->soleAlternative($schema->anyOf ?? null),
            ...$this->soleAlternative($schema->oneOf ?? null),
        ];
    }

    /**
     * Get the schema that a local reference names.
     */
    protected function target(string $reference): stdClass|bool|null
    {
        $target = $this->root;

        foreach (array_slice(explode('/', rawurldecode(substr($reference, 1))), 1) as $token) {
            $name = str_replace(['~1', '~0'], ['/', '~'], $token);
            $members = is_array($target) || $target instanceof stdClass ? (array) $target : [];

            if (! array_key_exists($name, $members)) {
                return null;
            }

            $target = $members[$name];
        }

        return Subschemas::isSchema($target) ? $target : null;
    }

    /**
     * Get the one alternative to null.
     *
     * @return list<stdClass|bool>
     */
    protected function soleAlternative(mixed $keyword): array
    {
        $others = array_values(array_filter(
            $this->listed($keyword), fn (stdClass|bool $schema) => is_bool($schema) || ($schema->type ?? null) !== 'null'
        ));

        return count($others) === 1 ? $others : [];
    }

    /**
     * Get the schemas of a keyword that holds a list of them.
     *
     * @return list<stdClass|bool>
     */
    protected function listed(mixed $keyword): array
    {
        return is_array($keyword) ? array_values(array_filter($keyword, Subschemas::isSchema(...))) : [];
    }
}
