<?php

namespace HmsSync\Outbox;

use Illuminate\Support\Facades\Date;

/**
 * What waits in the outboxes.
 */
class OutboxStatus
{
    /**
     * Create a new instance.
     */
    public function __construct(protected OutboxConnections $connections)
    {
        //
    }

    /**
     * Look into every outbox.
     *
     * @param  list<string>|null  $names  database connections, null for all that have an outbox
     * @return list<array{connection: string, unsent: int, refused: int, oldest_seconds: int|null}>
     *
     * @throws \Illuminate\Database\QueryException when a table is missing or its database cannot be reached
     */
    public function all(?array $names = null): array
    {
        return array_map(fn (OutboxTable $table) => [
            'connection' => $table->connectionName(),
            'unsent' => $table->countUnsent(),
            'refused' => $table->countRefused(),
            'oldest_seconds' => $this->age($table),
        ], $this->connections->tables($names));
    }

    /**
     * Count the rows that are not sent yet.
     */
    public function unsent(): int
    {
        return array_sum(array_column($this->all(), 'unsent'));
    }

    /**
     * Get how long the oldest row has waited, in seconds; null when none waits.
     */
    public function oldestSeconds(): ?int
    {
        $ages = array_filter(array_column($this->all(), 'oldest_seconds'), is_int(...));

        return $ages === [] ? null : max($ages);
    }

    /**
     * Get how long the oldest row of a table has waited.
     */
    protected function age(OutboxTable $table): ?int
    {
        $oldest = $table->oldestUnsent();

        return $oldest === null ? null : max(0, Date::now()->getTimestamp() - $oldest->getTimestamp());
    }
}
