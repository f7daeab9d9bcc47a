<?php

namespace HmsSync\Outbox;

use DateTimeInterface;
use Illuminate\Database\Connection;
use Illuminate\Database\Query\Builder;
use Illuminate\Database\QueryException;
use Illuminate\Support\Facades\Date;

/**
 * The rows of the outbox on one database connection.
 *
 * Which rows are to be sent is told by their mark, relayed_at, and never by an id up to which all were sent: a
 * transaction that took an early id may commit after one that took a later id.
 */
class OutboxTable
{
    /**
     * The members of the intake entry that a row has in columns of the same name.
     */
    protected const FIELDS = ['channels', 'event', 'data', 'time', 'source', 'timezone', 'origin'];

    /**
     * The longest that a row is held back, in seconds.
     */
    protected const LONGEST = 3_600;

    /**
     * Create a new instance.
     */
    public function __construct(protected Connection $connection, protected string $name)
    {
        //
    }

    /**
     * Get the name of the database connection.
     */
    public function connectionName(): string
    {
        return (string) $this->connection->getName();
    }

    /**
     * Get the lease that one relay at a time has on this outbox.
     */
    public function lease(): RelayLease
    {
        return new RelayLease($this->connection, $this->name.'_locks');
    }

    /**
     * Determine whether a transaction is open on the connection, also one that was begun with PDO directly: rows seen
     * in it may never be committed.
     */
    public function isInTransaction(): bool
    {
        return $this->connection->transactionLevel() > 0 || $this->connection->getPdo()->inTransaction();
    }

    /**
     * Write a row.
     *
     * @param  array<string, string>  $fields  the intake entry
     * @param  array<string, string|null>  $columns  order_key, redis, forward and socket
     *
     * @throws OutboxException when the table is missing, or its column for a stated version
     */
    public function insert(array $fields, array $columns): void
    {
        $row = [
            'event_id' => $fields['id'], 'origin' => '', ...$columns, 'created_at' => $this->timestamp(Date::now()),
        ];

        foreach (self::FIELDS as $name) {
            $row[$name] = $fields[$name] ?? '';
        }

        if (isset($fields['version'])) {
            $row['version'] = (int) $fields['version']; // a table of before there were versions serves everything else
        }

        try {
            $this->query()->insert($row);
        } catch (QueryException $e) {
            throw match (true) {
                $this->isMissingTable($e) => OutboxException::tableMissing($this->name, $this->connectionName(), $e),
                isset($row['version']) && $this->isMissingColumn($e) => OutboxException::versionMissing($this->name, $this->connectionName(), $e),
                default => $e,
            };
        }
    }

    /**
     * Determine whether there is anything to send now.
     *
     * @phpstan-impure
     */
    public function hasUnsent(): bool
    {
        return $this->sendable()->exists();
    }

    /**
     * Get the next rows to send, in the order of their ids, none of a key that is held back.
     *
     * @param  list<string>  $without  Redis connections that cannot be reached now
     * @return list<OutboxRow>
     */
    public function next(int $limit, int $bytes, array $without = []): array
    {
        return $this->rows(
            $this->sendable()->when($without !== [], fn (Builder $query) => $query->whereNotIn('redis', $without)), $limit, $bytes
        );
    }

    /**
     * Get rows that were sent within a period, in the order of their ids.
     *
     * @return list<OutboxRow>
     */
    public function relayedBetween(DateTimeInterface $from, DateTimeInterface $until, int $afterId, int $limit, int $bytes): array
    {
        return $this->rows(
            $this->query()->useWritePdo()->where('id', '>', $afterId)
                ->whereBetween('relayed_at', [$this->timestamp($from), $this->timestamp($until)]),
            $limit, $bytes
        );
    }

    /**
     * Mark rows as sent.
     *
     * @param  list<int>  $ids
     */
    public function markRelayed(array $ids): void
    {
        $this->query()->whereIn('id', $ids)->whereNull('relayed_at')->update([
            'relayed_at' => $this->timestamp(Date::now()), 'retry_at' => null,
        ]);
    }

    /**
     * Hold back the key of a row that Redis refused, longer each time.
     */
    public function holdBack(OutboxRow $row, string $error): void
    {
        $seconds = min(self::LONGEST, 5 * 2 ** min($row->attempts, 10));

        $this->query()->where('id', $row->id)->whereNull('relayed_at')->update([
            'attempts' => $row->attempts + 1,
            'retry_at' => $this->timestamp(Date::now()->addSeconds($seconds)),
            'last_error' => mb_strimwidth(mb_scrub($error), 0, 1000, '...'),
        ]);
    }

    /**
     * Delete rows that were sent before a time, so many at most.
     *
     * @return int how many were deleted
     */
    public function prune(DateTimeInterface $before, int $limit): int
    {
        $ids = $this->query()->useWritePdo()->where('relayed_at', '<', $this->timestamp($before))
            ->orderBy('relayed_at')->limit($limit)->pluck('id');

        return $ids->isEmpty() ? 0 : $this->query()->whereIn('id', $ids)->delete();
    }

    /**
     * Count the rows that are not sent yet.
     */
    public function countUnsent(): int
    {
        return $this->unsent()->count();
    }

    /**
     * Count the unsent rows that Redis has refused.
     */
    public function countRefused(): int
    {
        return $this->unsent()->where('attempts', '>', 0)->count();
    }

    /**
     * Get when the oldest unsent row was written.
     */
    public function oldestUnsent(): ?DateTimeInterface
    {
        $time = $this->unsent()->orderBy('id')->value('created_at');

        return $time === null ? null : Date::parse($time, 'UTC');
    }

    /**
     * Read the first rows of a query that are not more than so many bytes together, but at least one.
     *
     * @return list<OutboxRow>
     */
    protected function rows(Builder $query, int $limit, int $bytes): array
    {
        $sizes = $query->orderBy('id')->limit($limit)->selectRaw('id, length(data) as size')->pluck('size', 'id');
        $ids = [];

        foreach ($sizes as $id => $size) {
            if ($ids !== [] && ($bytes -= $size) < 0) {
                break;
            }

            $ids[] = $id;
        }

        return $ids === [] ? [] : array_values(
            $this->query()->useWritePdo()->whereIn('id', $ids)->orderBy('id')->get()->map(OutboxRow::of(...))->all()
        );
    }

    /**
     * Get a query for the unsent rows of keys of which none was refused a short while ago. What is held back for longer
     * than anything is was refused by a clock that has been set back.
     */
    protected function sendable(): Builder
    {
        $now = Date::now();

        return $this->unsent()->whereNotIn(
            'order_key', $this->query()->select('order_key')->whereNull('relayed_at')
                ->where('retry_at', '>', $this->timestamp($now))
                ->where('retry_at', '<=', $this->timestamp($now->copy()->addSeconds(self::LONGEST)))
        );
    }

    /**
     * Get a query for the unsent rows, never from a replica.
     */
    protected function unsent(): Builder
    {
        return $this->query()->useWritePdo()->whereNull('relayed_at');
    }

    /**
     * Get a query for the table.
     */
    protected function query(): Builder
    {
        return $this->connection->table($this->name);
    }

    /**
     * Write a point in time as the table has it: in UTC, whatever the timezones of application and database are.
     */
    protected function timestamp(DateTimeInterface $time): string
    {
        return Date::instance($time)->utc()->format('Y-m-d H:i:s');
    }

    /**
     * Determine whether a query failed because there is no such table.
     */
    protected function isMissingTable(QueryException $e): bool
    {
        return in_array((string) $e->getCode(), ['42S02', '42P01'], true) || str_contains($e->getMessage(), 'no such table');
    }

    /**
     * Determine whether a query failed because the table has not all of its columns.
     */
    protected function isMissingColumn(QueryException $e): bool
    {
        return in_array((string) $e->getCode(), ['42S22', '42703'], true) || str_contains($e->getMessage(), 'has no column named');
    }
}
