<?php

namespace HmsSync\Console\Doctor;

use Illuminate\Contracts\Config\Repository;

/**
 * Whether the table is there that makes an event of an exactly_once topic take effect once.
 */
class InboxCheck implements Check
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
        return 'inbox';
    }

    /**
     * Look for the table.
     */
    public function run(Examination $examination): Finding
    {
        $needed = $this->config->get('hms-sync.inbound') || ($examination->identity !== null && $examination->identity->consumes !== []);

        if (! $needed) {
            return Finding::ok('This application consumes nothing; it needs no inbox.');
        }

        return $this->tables->look(
            'inbox', $this->config->get('hms-sync.inbox.connection'), $this->config->get('hms-sync.inbox.table', 'hms_sync_inbox'),
            'events of exactly_once topics cannot be handled'
        );
    }
}
