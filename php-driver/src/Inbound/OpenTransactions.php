<?php

namespace HmsSync\Inbound;

use Illuminate\Database\DatabaseManager;
use RuntimeException;
use Throwable;

/**
 * Watches that listeners leave no database transaction open: what is done in it afterwards, by this event or by the
 * next ones, would be acknowledged and lost.
 */
class OpenTransactions
{
    /**
     * Create a new instance.
     */
    public function __construct(protected DatabaseManager $database)
    {
        //
    }

    /**
     * Run the work and roll back the transactions that it leaves open.
     *
     * @param  callable(): mixed  $work
     *
     * @throws \RuntimeException when it left one open and raised no exception of its own
     */
    public function watch(callable $work): void
    {
        $before = $this->levels();

        try {
            $work();
        } catch (Throwable $e) {
            $this->close($before);

            throw $e;
        }

        if ($left = $this->close($before)) {
            throw new RuntimeException(
                'HMS-Sync: a listener left a database transaction open on the connection ['.implode('], [', $left).']; it was rolled back, '.
                'and the event comes again. Call DB::commit() or DB::rollBack() on every way out, or use DB::transaction().'
            );
        }
    }

    /**
     * Get how many transactions are open, by connection.
     *
     * @return array<string, int>
     */
    protected function levels(): array
    {
        return array_map(fn ($connection) => $connection->transactionLevel(), $this->database->getConnections());
    }

    /**
     * Roll back what was begun since, and name the connections on which there was any.
     *
     * @param  array<string, int>  $before
     * @return list<string>
     */
    protected function close(array $before): array
    {
        $left = array_filter(
            $this->levels(), fn (int $level, string $name) => $level > ($before[$name] ?? 0), ARRAY_FILTER_USE_BOTH
        );

        foreach (array_keys($left) as $name) {
            $this->database->connection($name)->rollBack($before[$name] ?? 0);
        }

        return array_keys($left);
    }
}
