<?php

namespace HmsSync\Broadcasting;

use Illuminate\Broadcasting\BroadcastEvent;
use Illuminate\Contracts\Broadcasting\Factory as Broadcasting;
use Illuminate\Queue\InteractsWithQueue;

/**
 * Runs Laravel's BroadcastEvent so that the broadcaster learns which event it broadcasts, and in which queue job.
 *
 * The bus calls it in place of BroadcastEvent::handle(); the queue sets $job, which stays null for a broadcast
 * that was not queued.
 */
class BroadcastEventHandler
{
    use InteractsWithQueue;

    /**
     * Create a new handler.
     */
    public function __construct(protected Broadcasting $broadcasting)
    {
        //
    }

    /**
     * Broadcast the event over all of its connections.
     */
    public function handle(BroadcastEvent $command): void
    {
        $command->handle(new ContextualBroadcasting(
            $this->broadcasting, new BroadcastContext($command->event, $this->job)
        ));
    }
}
