<?php

namespace HmsSync\Inbox;

use Carbon\CarbonImmutable;
use DateTimeInterface;
use HmsSync\Inbound\Envelope;
use Illuminate\Contracts\Config\Repository;
use Illuminate\Database\Connection;
use Illuminate\Database\DatabaseManager;
use Illuminate\Database\DatabaseTransactionsManager;
use Illuminate\Database\Query\Builder;
use Illuminate\Database\QueryException;
use Illuminate\Database\UniqueConstraintViolationException;
use Illuminate\Support\Facades\Date;
use Throwable;

/**
 * The table of events that took effect, by which an event that comes again is known.
 */
class Inbox
{
    /**
     * Create a new inbox.
     */
    public function __construct(
        protected DatabaseManager $database,
        protected DatabaseTransactionsManager $transactions,
        protected Repository $config,
    ) {
        //
    }

    /**
     * Run the work and record the event in one database transaction; do nothing when it was recorded before.
     *
     * The row is written first: of two processes with the same event the second waits until the first has committed,
     * and then finds the row, or has rolled back, and then does the work.
     *
     * @param  callable(): mixed  $work
     *
     * @throws \HmsSync\Inbox\InboxException when the work ended the transaction, or the table is missing
     * @throws \Throwable what the work threw; nothing of it is stored then
     */
    public function once(Envelope $envelope, callable $work): void
    {
        $connection = $this->connection();
        $digest = $this->digest($envelope);
        $transaction = HeldTransaction::begin($connection, $this->transactions);

        try {
            if (! $this->record($connection, $digest, $envelope)) {
                $transaction->rollBack();

                return;
            }

            $work();

            $this->ensureWhole($transaction, $connection, $digest, $envelope);
            $transaction->commit();
        } catch (Throwable $e) {
            $transaction->rollBack();

            throw $this->explained($e, $connection);
        }
    }

    /**
     * Delete the rows of events that were handled before a time and whose replay window has ended, so many at a time.
     *
     * @return int how many rows were deleted
     */
    public function prune(DateTimeInterface $before, int $chunk): int
    {
        $deleted = 0;

        do {
            $digests = $this->table()->useWritePdo()
                ->where('handled_at', '<', $this->timestamp($before))
                ->where('replayable_until', '<', $this->timestamp(Date::now()))
                ->limit($chunk)->pluck('digest');

            $deleted += $this->table()->whereIn('digest', $digests)->delete();
        } while ($digests->count() === $chunk);

        return $deleted;
    }

    /**
     * Get the query for the table.
     */
    protected function table(?Connection $connection = null): Builder
    {
        return ($connection ?? $this->connection())->table($this->name());
    }

    /**
     * Determine whether the table is there.
     */
    public function exists(?Connection $connection = null): bool
    {
        return ($connection ?? $this->connection())->getSchemaBuilder()->hasTable($this->name());
    }

    /**
     * Get the name of the table.
     */
    public function name(): string
    {
        return $this->config->get('hms-sync.inbox.table', 'hms_sync_inbox');
    }

    /**
     * Get the connection that has the table.
     */
    protected function connection(): Connection
    {
        return $this->database->connection($this->config->get('hms-sync.inbox.connection'));
    }

    /**
     * Write the event's row; answer false when there is one.
     */
    protected function record(Connection $connection, string $digest, Envelope $envelope): bool
    {
        try {
            return $this->table($connection)->insert([
                'digest' => $digest,
                'consumer' => $this->config->get('hms-sync.consumer'),
                'topic' => $envelope->topic,
                'source' => $envelope->source,
                'event_id' => $this->shown($envelope->id),
                'handled_at' => $this->timestamp(Date::now()),
                'replayable_until' => $this->timestamp($envelope->replayableUntil),
            ]);
        } catch (UniqueConstraintViolationException) {
            return false;
        }
    }

    /**
     * Make the row's key. A digest is compared byte by byte, where a collation of MySQL takes "A" for "a".
     */
    protected function digest(Envelope $envelope): string
    {
        return hash('sha256', json_encode([
            $this->config->get('hms-sync.consumer'), $envelope->topic, $envelope->source, $envelope->id,
        ], JSON_THROW_ON_ERROR));
    }

    /**
     * Write a point in time as the table has it: in UTC, whatever the timezones of application and database are.
     */
    protected function timestamp(DateTimeInterface $time): string
    {
        return CarbonImmutable::instance($time)->utc()->format('Y-m-d H:i:s');
    }

    /**
     * Show an id to whoever looks into the table, in characters that a column of any charset takes.
     */
    protected function shown(string $id): string
    {
        return substr((string) preg_replace('/[^\x20-\x7e]/u', '?', $id), 0, 255);
    }

    /**
     * Refuse to commit when this is no longer the transaction that has the row.
     *
     * The row is read because not every end of a transaction raises an exception: PDO::rollBack() is not seen by
     * Laravel, MySQL rolls back on a deadlock that a listener may have caught, and PostgreSQL answers the COMMIT of
     * a failed transaction with a rollback.
     */
    protected function ensureWhole(HeldTransaction $transaction, Connection $connection, string $digest, Envelope $envelope): void
    {
        $recorded = $this->table($connection)->useWritePdo()->where('digest', $digest)->exists();

        if (! $recorded || ! $transaction->isOpen()) {
            throw InboxException::transactionEnded($envelope, (string) $connection->getName());
        }
    }

    /**
     * Say what to do when the table is missing.
     */
    protected function explained(Throwable $e, Connection $connection): Throwable
    {
        return $e instanceof QueryException && str_contains($e->getSql(), $this->name()) && ! $this->exists($connection)
            ? InboxException::tableMissing($this->name(), (string) $connection->getName(), $e)
            : $e;
    }
}
