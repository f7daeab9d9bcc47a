<?php

namespace HmsSync\Outbox;

use HmsSync\Broadcasting\BroadcastContext;
use Illuminate\Contracts\Config\Repository;
use Illuminate\Database\DatabaseTransactionsManager;

/**
 * Where broadcasts wait in the database, so that they are committed or rolled back together with what they tell of.
 */
class Outbox
{
    /**
     * The outboxes that have got rows and were not looked after since, by connection.
     *
     * @var array<string, OutboxTable>
     */
    protected array $written = [];

    /**
     * Create a new instance.
     */
    public function __construct(
        protected Repository $config,
        protected OutboxConnections $connections,
        protected DatabaseTransactionsManager $transactions,
        protected RelayAttempt $attempt,
    ) {
        //
    }

    /**
     * Determine whether broadcasts go into the outbox instead of straight to Redis.
     *
     * @param  array<string, mixed>|null  $settings  config('hms-sync') where it was read for this broadcast
     */
    public function isEnabled(?array $settings = null): bool
    {
        // Of the whole section: a key with dots costs three times as much, and every broadcast asks.
        $settings ??= $this->config->get('hms-sync');

        return (bool) ($settings['outbox']['enabled'] ?? false);
    }

    /**
     * Write a broadcast in the caller's transaction. One that is to be broadcast now is sent right after the commit,
     * if that is possible; if not, it is a row like any other.
     *
     * @param  array<string, string>  $fields  the intake entry
     * @param  string  $redis  the Redis connection that leads to the bus
     * @param  list<string>  $channels
     * @param  list<string>  $forward  the broadcast connections that get it when the bus has it
     * @param  string|null  $socket  the browser that does not get it
     *
     * @throws OutboxException when it cannot be written
     */
    public function write(array $fields, string $redis, array $channels, array $forward, ?string $socket, BroadcastContext $context): void
    {
        $table = $this->connections->tableOfCaller($fields['event']);

        $table->insert($fields, [
            'order_key' => $context->key() ?? $this->keyOf($channels),
            'redis' => $redis,
            'forward' => $forward === [] ? null : implode(',', $forward),
            'socket' => $socket,
        ]);

        $this->written[$table->connectionName()] = $table;

        if ($context->isImmediate()) {
            $this->transactions->addCallback(fn () => $this->relayWritten());
        }
    }

    /**
     * Send what this process has written, if that is possible now; the relay does it otherwise. Never fails.
     */
    public function relayWritten(): void
    {
        foreach ($this->written as $name => $table) {
            if ($this->attempt->on($table)) {
                unset($this->written[$name]);
            }
        }
    }

    /**
     * Get the key of broadcasts on these channels.
     *
     * @param  list<string>  $channels
     */
    protected function keyOf(array $channels): string
    {
        $key = implode(',', $channels);

        return strlen($key) <= BroadcastContext::MAX_KEY ? $key : hash('sha256', $key);
    }
}
