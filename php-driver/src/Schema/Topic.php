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
     * @param  int  $version  the schema version that new events get
     * @param  list<string>  $producers
     */
    public function __construct(
        public readonly string $name,
        public readonly int $version,
        public readonly array $producers,
    ) {
        //
    }

    /**
     * Get the path of the schema file, relative to topics.yaml.
     */
    public function schemaFile(): string
    {
        return "schemas/{$this->name}/v{$this->version}.json";
    }
}
