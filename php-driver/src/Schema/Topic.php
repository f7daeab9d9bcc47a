<?php

namespace HmsSync\Schema;

/**
 * What a check needs of one entry of topics.yaml.
 */
class Topic
{
    /**
     * Create a new topic.
     *
     * @param  int  $version  the current schema version
     * @param  list<string>  $producers
     * @param  array<array-key, int>  $producerVersions  the versions of those producers for which the file states one
     */
    public function __construct(
        public readonly string $name,
        public readonly int $version,
        public readonly array $producers,
        public readonly array $producerVersions = [],
    ) {
        //
    }

    /**
     * Get the version that the bus first takes an event of this producer for when it states none.
     */
    public function versionOf(string $producer): int
    {
        return $this->producerVersions[$producer] ?? $this->version;
    }

    /**
     * Get the path of a version's schema file, relative to topics.yaml.
     *
     * @param  int|null  $version  null for the current one
     */
    public function schemaFile(?int $version = null): string
    {
        return "schemas/{$this->name}/v".($version ?? $this->version).'.json';
    }
}
