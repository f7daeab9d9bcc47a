<?php

namespace HmsSync\Tests\Origin;

use HmsSync\Tests\Fixtures\QueuedReading;

/**
 * A queued broadcast on the topic that this application hears as well.
 */
class QueuedReadingOf extends QueuedReading
{
    /**
     * @return list<string>
     */
    public function broadcastOn(): array
    {
        return ['readings.taken'];
    }
}
