<?php

namespace HmsSync\Tests\Testing;

use HmsSync\Tests\Fixtures\QueuedReading;
use Illuminate\Contracts\Events\ShouldDispatchAfterCommit;

/**
 * An event that Laravel dispatches when the transaction is committed in which it was fired.
 */
class ReadingAfterCommit extends QueuedReading implements ShouldDispatchAfterCommit
{
    //
}
