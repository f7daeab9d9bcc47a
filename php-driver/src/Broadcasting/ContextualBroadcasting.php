<?php

namespace HmsSync\Broadcasting;

use Closure;
use Illuminate\Broadcasting\Broadcasters\NullBroadcaster;
use Illuminate\Contracts\Broadcasting\Broadcaster;
use Illuminate\Contracts\Broadcasting\Factory;

/**
 * The application's broadcast connections, where those of HMS-Sync know the event they broadcast.
 */
class ContextualBroadcasting implements Factory
{
    /**
     * Create a new factory around the application's own.
     *
     * @param  (Closure(string|null): bool)|null  $accepts  says which connections broadcast anything, null for all of them
     */
    public function __construct(
        protected Factory $broadcasting,
        protected BroadcastContext $context,
        protected ?Closure $accepts = null,
    ) {
        //
    }

    /**
     * Get a broadcaster by the name of its connection.
     *
     * @param  string|null  $name
     */
    public function connection($name = null): Broadcaster
    {
        if ($this->accepts !== null && ! ($this->accepts)($name)) {
            return new NullBroadcaster;
        }

        $broadcaster = $this->broadcasting->connection($name);

        return $broadcaster instanceof Contextual
            ? $broadcaster->within($this->context)
            : $broadcaster;
    }
}
