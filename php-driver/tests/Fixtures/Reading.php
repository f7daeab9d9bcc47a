<?php

namespace HmsSync\Tests\Fixtures;

use Illuminate\Contracts\Broadcasting\ShouldBroadcastNow;

/**
 * An event whose payload, channels and name are what the test wants, broadcast at once.
 */
class Reading implements ShouldBroadcastNow
{
    /**
     * @param  array<array-key, mixed>  $payload
     * @param  array<array-key, mixed>  $channels
     * @param  list<string|null>  $connections
     */
    public function __construct(
        protected array $payload = ['n' => 1],
        protected array $channels = ['inspections.status'],
        protected string $name = 'reading',
        protected array $connections = [null],
    ) {
        //
    }

    /**
     * @return array<array-key, mixed>
     */
    public function broadcastOn(): array
    {
        return $this->channels;
    }

    public function broadcastAs(): string
    {
        return $this->name;
    }

    /**
     * @return array<array-key, mixed>
     */
    public function broadcastWith(): array
    {
        return $this->payload;
    }

    /**
     * @return list<string|null>
     */
    public function broadcastConnections(): array
    {
        return $this->connections;
    }
}
