<?php

namespace HmsSync\Tests\Inbound\Events;

use Illuminate\Contracts\Events\ShouldDispatchAfterCommit;

class Late implements ShouldDispatchAfterCommit
{
    public function __construct(public int $inspectionId)
    {
        //
    }
}
