<?php

namespace HmsSync\Listening;

use Illuminate\Queue\Connectors\ConnectorInterface;

/**
 * Lets Laravel's queue worker read the gateway as if it were a queue connection.
 */
class GatewayConnector implements ConnectorInterface
{
    /**
     * Create a new connector.
     */
    public function __construct(protected GatewayQueue $queue)
    {
        //
    }

    /**
     * Get the queue.
     *
     * @param  array<string, mixed>  $config
     * @return GatewayQueue
     */
    public function connect(array $config)
    {
        return $this->queue;
    }
}
