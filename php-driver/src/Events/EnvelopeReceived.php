<?php

namespace HmsSync\Events;

use HmsSync\Inbound\Envelope;

/**
 * An event has come from the bus on a topic for which config('hms-sync.inbound') names no class.
 */
class EnvelopeReceived
{
    /**
     * Create a new event.
     */
    public function __construct(public readonly Envelope $envelope)
    {
        //
    }
}
