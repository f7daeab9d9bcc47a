<?php

namespace HmsSync\Tests\Outbox\Fixtures;

use Illuminate\Contracts\Events\ShouldDispatchAfterCommit;

class CountedAfterCommit extends Counted implements ShouldDispatchAfterCommit
{
    //
}
