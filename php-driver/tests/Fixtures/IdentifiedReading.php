<?php

namespace HmsSync\Tests\Fixtures;

/**
 * An event that gives its own id.
 */
class IdentifiedReading extends Reading
{
    public function __construct(public mixed $id)
    {
        parent::__construct();
    }

    public function broadcastId(): mixed
    {
        return $this->id;
    }
}
