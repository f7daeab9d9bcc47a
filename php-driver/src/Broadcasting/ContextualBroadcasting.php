<?php

namespace HmsSync\Broadcasting;

use Illuminate\Contracts\Broadcasting\Broadcaster;
use Illuminate\Contracts\Broadcasting\Factory;

/**
 * The application's broadcast connections, where those of HMS-Sync know the event they broadcast.
 */
class ContextualBroadcasting implements Factory
{
    /**
     * Create a new factory around the application's own.
     */
    public function __construct(protected Factory $broadcasting, protected BroadcastContext $context)
    {
        //
    }

    /**
     * Get a broadcaster by the name of its connection.
     *
     * @param  string|null  $name
     */
    public function connection($name = null): Broadcaster
    {
        $broadcaster = $this->broadcasting->connection($name);

        return $broadcaster instanceof Contextual
            ? $broadcaster->within($this->context)
            : $broadcaster;
    }
}
