<?php

namespace HmsSync\Tests\Inbound\Events;

use HmsSync\Inbound\Envelope;
use HmsSync\Inbound\FromEnvelope;
use HmsSync\Inbound\Undeliverable;

final class SelfBuilt implements FromEnvelope
{
    private function __construct(public readonly string $said)
    {
        //
    }

    public static function fromEnvelope(Envelope $envelope): static
    {
        $number = $envelope->payload['inspection_id'] ?? throw new Undeliverable('no inspection_id');

        return new self("{$envelope->source} says {$number}");
    }
}
