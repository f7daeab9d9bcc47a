<?php

namespace HmsSync\Tests\Outbox\Fixtures;

use Illuminate\Contracts\Broadcasting\ShouldBroadcastNow;

class CountedNow extends Counted implements ShouldBroadcastNow
{
    //
}
