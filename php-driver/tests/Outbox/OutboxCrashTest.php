<?php

namespace HmsSync\Tests\Outbox;

use HmsSync\Tests\Outbox\Fixtures\Counted;
use HmsSync\Tests\Outbox\Fixtures\CountedAfterCommit;
use HmsSync\Tests\Outbox\Fixtures\CountedNow;
use Illuminate\Support\Facades\DB;
use PHPUnit\Framework\Attributes\DataProvider;
use Symfony\Component\Process\Exception\ProcessSignaledException;

/**
 * Processes are killed at every step between the event and the bus, and the ledger of a real sidecar is compared with
 * the rows that were committed.
 */
class OutboxCrashTest extends OutboxOnBusTestCase
{
    #[DataProvider('databases')]
    public function test_each_committed_row_has_its_event_and_no_event_is_without_its_commit(string $database): void
    {
        $this->bootWithSidecar($database);
        $committed = [];
        $n = 1;

        foreach ([Counted::class, CountedNow::class, CountedAfterCommit::class] as $class) {
            foreach (['insert into hms_sync_outbox' => 1, 'committing' => 1, 'committed' => 2, 'set relayed_at' => 2] as $where => $commits) {
                if ($where === 'set relayed_at' && $class !== CountedNow::class) {
                    continue;
                }

                $this->kill($where, 2, 'write', $class, (string) $n, (string) ($n + 2));
                array_push($committed, ...range($n, $n + $commits - 1));
                $n += 3;
            }
        }

        self::assertSame($committed, DB::table('inspections')->orderBy('id')->pluck('id')->all(), 'the test itself: what was committed');

        $this->relayAfterLease();

        $this->eventually(fn () => count($this->ledger()) >= count($committed), 'the ledger has every event');
        self::assertSame($committed, $this->ledger());
    }

    #[DataProvider('databases')]
    public function test_a_relay_killed_at_any_step_loses_nothing_and_the_bus_takes_each_event_once_and_in_order(string $database): void
    {
        $this->bootWithSidecar($database);
        array_map(fn (int $n) => event(new Counted($n)), range(1, 9));

        $steps = [
            ['update hms_sync_outbox_locks', 1], // before it has the lease
            ['length(data)', 1], // with the lease
            ['select * from hms_sync_outbox', 1], // before the first entry is sent
            ['set relayed_at', 1], // sent, not marked
            ['set relayed_at', 2], // in the middle of several batches
            ['set owner', 2], // marked, the lease not given back
        ];

        foreach ($steps as [$where, $nth]) {
            $this->kill($where, $nth, 'relay', '2');
            DB::table('hms_sync_outbox_locks')->update(['until' => 0]);
        }

        $this->relayAfterLease();

        $this->eventually(fn () => count($this->ledger()) >= 9, 'the ledger has every event');
        self::assertSame(range(1, 9), $this->ledger());
        self::assertGreaterThan(9, $this->given(), 'the test itself: what was sent twice');
        self::assertSame(0, DB::table('hms_sync_outbox')->whereNull('relayed_at')->count());
    }

    public function test_the_lease_of_a_relay_that_was_killed_runs_out(): void
    {
        $this->bootWithSidecar('sqlite');
        event(new Counted(1));
        $this->kill('set relayed_at', 1, 'relay', '2');

        $started = microtime(true);
        $this->relay();

        self::assertGreaterThan(5, microtime(true) - $started);
        self::assertLessThan(25, microtime(true) - $started);
        self::assertNotNull($this->rows()[0]->relayed_at);
    }

    private function kill(string $where, int $nth, string ...$work): void
    {
        $process = $this->start([__DIR__.'/crash.php', $where, (string) $nth, ...array_values($work)]);

        try {
            $process->wait();
            self::fail("it was not killed at [{$where}]: ".$process->getErrorOutput().$process->getOutput());
        } catch (ProcessSignaledException $e) {
            self::assertSame(SIGKILL, $e->getSignal());
        }
    }
}
