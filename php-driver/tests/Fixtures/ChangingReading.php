<?php

namespace HmsSync\Tests\Fixtures;

/**
 * A queued event whose payload is another one each time it is read, as that of a model may be.
 */
class ChangingReading extends QueuedReading
{
    public static int $reads = 0;

    /**
     * @return array<string, int>
     */
    public function broadcastWith(): array
    {
        return ['reads' => ++self::$reads];
    }
}
