<?php

namespace HmsSync\Tests\Fixtures;

use Illuminate\Broadcasting\InteractsWithSockets;
use Illuminate\Contracts\Broadcasting\ShouldBroadcast;
use Illuminate\Foundation\Queue\Queueable;

/**
 * An event that tells the queue everything it can be told.
 */
class SteeredReading implements ShouldBroadcast
{
    use InteractsWithSockets, Queueable;

    public int $n = 1;

    public int $tries = 3;

    public int $timeout = 30;

    public int $backoff = 5;

    public int $maxExceptions = 2;

    public string $broadcastQueue = 'default';

    public bool $failOnTimeout = true;

    public string $note = 'kept';

    /**
     * @return list<string>
     */
    public function broadcastOn(): array
    {
        return ['inspections.status'];
    }
}
