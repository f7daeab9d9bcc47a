<?php

namespace HmsSync\Gateway;

/**
 * One event on lease.
 */
final class Delivery
{
    /**
     * Create a new delivery.
     *
     * @param  string  $lease  the lease; the event's token is "<lease>.<index>"
     * @param  int  $attempt  how often the event has been handed out, this time included
     * @param  int  $ackWaitMs  how long the lease lasts, in milliseconds
     * @param  string  $envelope  JSON text, byte for byte as the bus keeps it
     */
    public function __construct(
        public readonly string $topic,
        public readonly string $lease,
        public readonly int $index,
        public readonly int $attempt,
        public readonly int $ackWaitMs,
        public readonly string $envelope,
    ) {
        //
    }

    /**
     * Create the settle of this event.
     */
    public function settle(string $action, ?int $delayMs = null, ?string $reason = null): Settle
    {
        return new Settle($this->topic, $this->lease, $action, $this->index, $this->index, $delayMs, $reason);
    }
}
