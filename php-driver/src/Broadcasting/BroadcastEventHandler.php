<?php

namespace HmsSync\Broadcasting;

use HmsSync\Outbox\Handover;
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
    public function __construct(
        protected Broadcasting $broadcasting,
        protected BusConnections $bus,
        protected Handover $handover,
    ) {
        //
    }

    /**
     * Broadcast the event over all of its connections, or, when it is in the outbox, over those that are not the bus's.
     */
    public function handle(BroadcastEvent $command): void
    {
        // The queue sets the job before each call; a broadcast that is not queued must not find the last one.
        [$job, $this->job] = [$this->job, null];

        $command->handle(new ContextualBroadcasting(
            $this->broadcasting,
            new BroadcastContext($command->event, $job),
            $this->handover->covers($job) ? fn (?string $connection) => ! $this->bus->has($connection) : null,
        ));
    }
}
