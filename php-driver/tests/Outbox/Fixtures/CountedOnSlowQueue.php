<?php

namespace HmsSync\Tests\Outbox\Fixtures;

class CountedOnSlowQueue extends Counted
{
    public function broadcastQueue(): string
    {
        return 'slow';
    }
}
