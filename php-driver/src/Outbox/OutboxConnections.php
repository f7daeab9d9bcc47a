<?php

namespace HmsSync\Outbox;

use Illuminate\Contracts\Config\Repository;
use Illuminate\Database\Connection;
use Illuminate\Database\DatabaseManager;
use Illuminate\Database\DatabaseTransactionsManager;

/**
 * The database connections that have an outbox, and the one on which the caller's transaction is open.
 */
class OutboxConnections
{
    /**
     * The connection to take whatever else is open.
     */
    protected ?Connection $chosen = null;

    /**
     * Create a new instance.
     */
    public function __construct(
        protected DatabaseManager $database,
        protected DatabaseTransactionsManager $transactions,
        protected Repository $config,
    ) {
        //
    }

    /**
     * Get the names of the connections that have an outbox, the one for use outside of transactions first.
     *
     * @return non-empty-list<string>
     */
    public function names(): array
    {
        return array_values((array) $this->config->get('hms-sync.outbox.connections')) ?: [$this->database->getDefaultConnection()];
    }

    /**
     * Get the outboxes.
     *
     * @param  list<string>|null  $names  null for all of them
     * @return list<OutboxTable>
     */
    public function tables(?array $names = null): array
    {
        return array_map(fn (string $name) => $this->table($this->database->connection($name)), $names ?: $this->names());
    }

    /**
     * Get the outbox on the connection whose transaction was begun last and is still open, as Laravel knows it; the
     * first one when no transaction is open.
     *
     * @param  string  $event  the event that is to be written, for the error
     *
     * @throws OutboxException when that connection has no outbox
     */
    public function tableOfCaller(string $event): OutboxTable
    {
        return $this->table($this->chosen ?? $this->innermost($event) ?? $this->database->connection($this->names()[0]));
    }

    /**
     * Run the callback with every event written on this connection.
     *
     * @throws OutboxException when the connection has no outbox
     */
    public function on(Connection $connection, string $event, callable $work): void
    {
        $this->ensureListed((string) $connection->getName(), $event);

        $before = $this->chosen;
        $this->chosen = $connection;

        try {
            $work();
        } finally {
            $this->chosen = $before;
        }
    }

    /**
     * Get the connection whose transaction was begun last. The transactions that Laravel's RefreshDatabase wraps around
     * a test do not count.
     */
    protected function innermost(string $event): ?Connection
    {
        if (! $transaction = $this->transactions->callbackApplicableTransactions()->last()) {
            return null;
        }

        $this->ensureListed($transaction->connection, $event);

        return $this->opened($transaction->connection);
    }

    /**
     * Get the connection of this name that is in a transaction: there are two when one of them was asked for as
     * "name::write".
     */
    protected function opened(string $name): Connection
    {
        foreach ($this->database->getConnections() as $connection) {
            if ($connection->getName() === $name && $connection->transactionLevel() > 0) {
                return $connection;
            }
        }

        return $this->database->connection($name);
    }

    /**
     * Refuse a connection without an outbox.
     */
    protected function ensureListed(string $name, string $event): void
    {
        if (! in_array($name, $this->names(), true)) {
            throw OutboxException::noOutboxOn($name, $event, $this->names());
        }
    }

    /**
     * Get the outbox of a connection.
     */
    protected function table(Connection $connection): OutboxTable
    {
        return new OutboxTable($connection, $this->config->get('hms-sync.outbox.table', 'hms_sync_outbox'));
    }
}
