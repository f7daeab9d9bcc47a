<?php

namespace HmsSync\Broadcasting;

use Illuminate\Broadcasting\BroadcastEvent;
use Illuminate\Contracts\Broadcasting\Factory as Broadcasting;
use Illuminate\Contracts\Config\Repository;
use Illuminate\Contracts\Container\Container;

/**
 * The broadcast connections that lead to the bus.
 */
class BusConnections
{
    /**
     * Create a new instance.
     */
    public function __construct(protected Container $app, protected Repository $config)
    {
        //
    }

    /**
     * Determine whether a connection leads to the bus.
     *
     * @param  string|null  $connection  null for the default one
     */
    public function has(?string $connection): bool
    {
        $connection ??= $this->config->get('broadcasting.default');

        return $this->config->get("broadcasting.connections.{$connection}.driver") === 'hms-sync';
    }

    /**
     * Count the connections of an event that lead to the bus, and those that do not.
     *
     * @return array{int, int}
     */
    public function count(object $event): array
    {
        $connections = (new BroadcastContext($event))->connections();
        $bus = count(array_filter($connections, $this->has(...)));

        return [$bus, count($connections) - $bus];
    }

    /**
     * Broadcast an event over those of its connections that lead to the bus, now.
     */
    public function broadcast(object $event): void
    {
        $event = clone $event;

        (new BroadcastEvent($event))->handle(
            new ContextualBroadcasting($this->app->make(Broadcasting::class), new BroadcastContext($event), $this->has(...))
        );
    }
}
