<?php

namespace HmsSync\Tests\Fixtures;

/**
 * An event that states the schema version of its payload.
 */
class VersionedReading extends Reading
{
    /**
     * @param  array<array-key, mixed>  $payload
     * @param  array<array-key, mixed>  $channels
     */
    public function __construct(public mixed $version, array $payload = ['n' => 1], array $channels = ['inspections.status'])
    {
        parent::__construct($payload, $channels);
    }

    public function broadcastVersion(): mixed
    {
        return $this->version;
    }
}
