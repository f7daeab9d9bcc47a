<?php

namespace HmsSync\Console\Doctor;

use HmsSync\Outbox\OutboxConnections;
use HmsSync\Outbox\OutboxStatus;
use Illuminate\Contracts\Config\Repository;

/**
 * Whether the outbox is there when it is used, and somebody empties it.
 */
class OutboxCheck implements Check
{
    /**
     * Seconds that a row may wait before it seems that nobody relays it.
     */
    protected const PATIENCE = 60;

    /**
     * Create a new check.
     */
    public function __construct(
        protected Tables $tables,
        protected OutboxConnections $connections,
        protected OutboxStatus $status,
        protected Repository $config,
    ) {
        //
    }

    /**
     * Get the name by which the check is shown.
     */
    public function name(): string
    {
        return 'outbox';
    }

    /**
     * Look for the tables and for what waits in them.
     */
    public function run(Examination $examination): Finding
    {
        if (! $this->config->get('hms-sync.outbox.enabled')) {
            return Finding::ok('The outbox is off.');
        }

        foreach ($this->connections->names() as $connection) {
            $finding = $this->lookOn($connection);

            if ($finding->status !== Status::Ok) {
                return $finding;
            }
        }

        return $this->judge();
    }

    /**
     * Look for the table on a connection, and whether all migrations have run there.
     */
    protected function lookOn(string $connection): Finding
    {
        $table = $this->config->get('hms-sync.outbox.table', 'hms_sync_outbox');
        $finding = $this->tables->look('outbox', $connection, $table, 'whatever is broadcast fails');

        return $finding->status === Status::Ok && ! $this->tables->hasColumn($connection, $table, 'version')
            ? Finding::warn("The table [{$table}] has no column [version]: events with a broadcastVersion() fail.", 'Run [php artisan migrate].')
            : $finding;
    }

    /**
     * Judge what waits.
     */
    protected function judge(): Finding
    {
        $outboxes = $this->status->all();
        $unsent = array_sum(array_column($outboxes, 'unsent'));
        $refused = array_sum(array_column($outboxes, 'refused'));
        $oldest = max([0, ...array_filter(array_column($outboxes, 'oldest_seconds'), is_int(...))]);
        $waiting = "{$unsent} ".($unsent === 1 ? 'row waits' : 'rows wait')." in the outbox, the oldest for {$oldest} s";

        return match (true) {
            $refused > 0 => Finding::fail(
                "{$waiting}; Redis has refused {$refused} of them, which hold back what comes after them.",
                'Look at last_error in the table, and see to Redis.'
            ),
            $oldest > self::PATIENCE => Finding::warn("{$waiting}.", 'Keep [php artisan hms-sync:relay] running, and see to Redis.'),
            $unsent > 0 => Finding::ok("{$waiting}."),
            default => Finding::ok('Nothing waits in the outbox.'),
        };
    }
}
