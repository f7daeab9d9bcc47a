<?php

namespace HmsSync\Tests\Inbox;

use HmsSync\Events\EnvelopeReceived;
use Illuminate\Contracts\Queue\ShouldQueueAfterCommit;

/**
 * A queued listener whose job is queued only after the commit.
 */
class AfterCommitListener implements ShouldQueueAfterCommit
{
    public function handle(EnvelopeReceived $event): void
    {
        //
    }
}
