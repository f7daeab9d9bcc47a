<?php

namespace HmsSync\Tests\Outbox;

use HmsSync\Tests\Support\Sidecar;
use Illuminate\Support\Facades\DB;

/**
 * The outbox of a real database in front of a real sidecar, whose ledger tells what came of each event.
 */
abstract class OutboxOnBusTestCase extends OutboxTestCase
{
    protected Sidecar $sidecar;

    protected function tearDown(): void
    {
        parent::tearDown();

        $this->sidecar->stop();
        $this->sidecar->redis->stop();
    }

    protected function bootWithSidecar(string $database): void
    {
        $this->sidecar = Sidecar::start(__DIR__.'/bus/topics.yaml');
        $this->bootOn($database, ['database.redis.default.port' => $this->sidecar->redis->port]);
    }

    protected function relayAfterLease(): void
    {
        DB::table('hms_sync_outbox_locks')->update(['until' => 0]);
        $this->relay();
    }

    /**
     * The numbers in the ledger, in its order.
     *
     * @return list<int>
     */
    protected function ledger(): array
    {
        $text = (string) file_get_contents($this->sidecar->url.'/v1/topics/inspections.status/events?since=0', false, stream_context_create([
            'http' => ['header' => 'Authorization: Bearer '.$this->sidecar->token],
        ]));

        return array_map(fn (string $line) => json_decode($line)->payload->n, array_values(array_filter(explode("\n", $text))));
    }

    /**
     * How many entries the intake was given in all, those that the bus took already included.
     */
    protected function given(): int
    {
        return $this->sidecar->redis->client()->xInfo('STREAM', 'hms-sync:intake')['entries-added'];
    }
}
