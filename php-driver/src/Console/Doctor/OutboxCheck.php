<?php

namespace HmsSync\Console\Doctor;

use Illuminate\Contracts\Config\Repository;

/**
 * Whether the outbox is there when it is used, and somebody empties it.
 */
class OutboxCheck implements Check
{
    /**
     * Create a new check.
     */
    public function __construct(protected Tables $tables, protected Repository $config)
    {
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
     * Look for the table and for what waits in it.
     */
    public function run(Examination $examination): Finding
    {
        if (! $this->config->get('hms-sync.outbox.enabled')) {
            return Finding::ok('The outbox is off.');
        }

        return $this->tables->look(
            'outbox', null, $this->config->get('hms-sync.outbox.table', 'hms_sync_outbox'), 'whatever is broadcast fails'
        );
    }
}
