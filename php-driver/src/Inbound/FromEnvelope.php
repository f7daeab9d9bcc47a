<?php

namespace HmsSync\Inbound;

/**
 * An event class that builds itself from the envelope instead of being built from the payload by name.
 */
interface FromEnvelope
{
    /**
     * Build the event.
     *
     * @throws \HmsSync\Inbound\Undeliverable when this envelope can never become this event
     */
    public static function fromEnvelope(Envelope $envelope): static;
}
