<?php

namespace HmsSync\Tests\Fixtures;

use Illuminate\Contracts\Broadcasting\ShouldBeUnique;

/**
 * An event that Laravel queues once while another like it waits.
 */
class UniqueReading extends QueuedReading implements ShouldBeUnique
{
    public string $uniqueId = 'gate';

    public int $uniqueFor = 60;

    public int $tries = 3;

    public function broadcastId(): string
    {
        return 'unique-reading';
    }
}
