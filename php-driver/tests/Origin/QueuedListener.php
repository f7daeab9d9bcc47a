<?php

namespace HmsSync\Tests\Origin;

use HmsSync\Events\EnvelopeReceived;
use HmsSync\Tests\Fixtures\Reading;
use Illuminate\Contracts\Queue\ShouldQueue;

/**
 * A listener that broadcasts from a queue job.
 */
class QueuedListener implements ShouldQueue
{
    public function handle(EnvelopeReceived $event): void
    {
        event(new Reading(['id' => $event->envelope->id]));
    }
}
