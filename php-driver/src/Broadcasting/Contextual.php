<?php

namespace HmsSync\Broadcasting;

/**
 * A broadcaster that can be told which event it broadcasts.
 */
interface Contextual
{
    /**
     * Get a copy of this broadcaster that knows which event it broadcasts.
     */
    public function within(BroadcastContext $context): static;
}
