<?php

namespace HmsSync\Tests\Fixtures;

use Illuminate\Contracts\Broadcasting\ShouldBroadcast;

/**
 * An event that Laravel broadcasts from a queue job.
 */
class QueuedReading implements ShouldBroadcast
{
    /**
     * @param  list<string|null>  $connections  one that is not configured makes the job fail there
     */
    public function __construct(public int $n, protected array $connections = [null])
    {
        //
    }

    /**
     * @return list<string>
     */
    public function broadcastOn(): array
    {
        return ['inspections.status'];
    }

    /**
     * @return list<string|null>
     */
    public function broadcastConnections(): array
    {
        return $this->connections;
    }
}
