<?php

namespace HmsSync\Broadcasting;

use HmsSync\Outbox\OutboxRow;
use Illuminate\Contracts\Broadcasting\Factory as Broadcasting;
use Illuminate\Contracts\Config\Repository;
use Illuminate\Contracts\Container\Container;
use InvalidArgumentException;
use RuntimeException;
use Throwable;

/**
 * Hands broadcasts on to other connections, such as Reverb, once the bus has them. What fails there is reported and
 * not thrown: the bus has the event.
 */
class Forwarding
{
    /**
     * Create a new instance.
     */
    public function __construct(protected Container $app, protected Repository $config)
    {
        //
    }

    /**
     * Get the names of the connections that get a broadcast besides those that its event names itself.
     *
     * @param  array<array-key, string>|string|null  $names  config('hms-sync.forward')
     * @return list<string>
     *
     * @throws \InvalidArgumentException when one of them is the bus, which would never end
     */
    public function connections(array|string|null $names, BroadcastContext $context): array
    {
        if (! $names = (array) $names) {
            return [];
        }

        $names = array_map(trim(...), array_values($names));

        foreach ($names as $name) {
            if ($this->config->get("broadcasting.connections.{$name}.driver") === 'hms-sync') {
                throw new InvalidArgumentException(
                    "HMS-Sync: config('hms-sync.forward') names [{$name}], which is the bus itself. Name another broadcast connection, or none."
                );
            }
        }

        return array_values(array_diff($names, $context->connections()));
    }

    /**
     * Hand on one broadcast.
     *
     * @param  list<string>  $connections
     * @param  list<string>  $channels
     * @param  array<array-key, mixed>  $payload  with "socket"
     */
    public function forward(array $connections, array $channels, string $event, array $payload): void
    {
        foreach ($connections as $connection) {
            try {
                $this->app->make(Broadcasting::class)->connection($connection)->broadcast($channels, $event, $payload);
            } catch (Throwable $e) {
                $this->report($connection, $e, $event, 1);
            }
        }
    }

    /**
     * Hand on what was in the outbox, in order. The rest of a batch is not tried on a connection that has failed:
     * browsers have no use for what comes late, and the bus shall not wait.
     *
     * @param  list<OutboxRow>  $rows
     */
    public function rows(array $rows): void
    {
        $queues = [];

        foreach ($rows as $row) {
            foreach ($row->forward as $connection) {
                $queues[$connection][] = $row;
            }
        }

        foreach ($queues as $connection => $queue) {
            $this->drain((string) $connection, $queue);
        }
    }

    /**
     * Hand rows on to one connection until it fails.
     *
     * @param  non-empty-list<OutboxRow>  $rows
     */
    protected function drain(string $connection, array $rows): void
    {
        foreach ($rows as $index => $row) {
            try {
                $this->app->make(Broadcasting::class)->connection($connection)->broadcast(
                    json_decode($row->fields['channels'], true, flags: JSON_THROW_ON_ERROR), $row->fields['event'], $this->payload($row)
                );
            } catch (Throwable $e) {
                $this->report($connection, $e, $row->fields['event'], count($rows) - $index);

                return;
            }
        }
    }

    /**
     * Get the payload of a row, with what is an object inside of it left one.
     *
     * @return array<array-key, mixed>
     */
    protected function payload(OutboxRow $row): array
    {
        $payload = (array) json_decode($row->fields['data'], false, flags: JSON_THROW_ON_ERROR | JSON_BIGINT_AS_STRING);

        return [...$payload, 'socket' => $row->socket];
    }

    /**
     * Report that broadcasts were not handed on.
     */
    protected function report(string $connection, Throwable $cause, string $event, int $count): void
    {
        $what = $count === 1 ? "event [{$event}]" : "{$count} events, the first of them [{$event}],";

        report(new RuntimeException(
            "HMS-Sync: {$what} did not reach the broadcast connection [{$connection}] that config('hms-sync.forward') names; the bus has ".
            ($count === 1 ? 'it' : 'them').'. '.$cause->getMessage(), 0, $cause
        ));
    }
}
