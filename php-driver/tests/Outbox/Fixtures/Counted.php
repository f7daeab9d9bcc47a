<?php

namespace HmsSync\Tests\Outbox\Fixtures;

use Illuminate\Broadcasting\InteractsWithSockets;
use Illuminate\Contracts\Broadcasting\ShouldBroadcast;

/**
 * A number, queued for broadcast as usual.
 */
class Counted implements ShouldBroadcast
{
    use InteractsWithSockets;

    /**
     * @param  list<string|null>  $connections
     */
    public function __construct(public int $n, protected array $connections = [null], protected mixed $key = null)
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

    public function broadcastAs(): string
    {
        return 'counted';
    }

    /**
     * @return list<string|null>
     */
    public function broadcastConnections(): array
    {
        return $this->connections;
    }

    public function broadcastKey(): mixed
    {
        return $this->key;
    }

    public function broadcastWhen(): bool
    {
        return $this->n >= 0;
    }
}
