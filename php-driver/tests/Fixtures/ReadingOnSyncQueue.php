<?php

namespace HmsSync\Tests\Fixtures;

/**
 * An event whose broadcast job runs on the sync queue, whatever the default is.
 */
class ReadingOnSyncQueue extends QueuedReading
{
    public string $connection = 'sync';
}
