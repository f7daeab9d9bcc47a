<?php

namespace HmsSync\Tests\Outbox;

use App\Models\Inspection;
use Illuminate\Support\Facades\DB;
use PHPUnit\Framework\Attributes\DataProvider;
use Symfony\Component\Process\Process;

/**
 * Single faults at work of real processes: the ledger of a real sidecar is compared with what was committed.
 */
class OutboxFaultTest extends OutboxOnBusTestCase
{
    public function test_two_relays_that_both_believe_to_have_the_lease_send_rows_twice_and_the_bus_takes_each_once_and_in_order(): void
    {
        $this->bootWithSidecar('mariadb');
        $writers = array_map(fn (int $from) => $this->write($from, $from + 59), [1, 101]);
        $this->eventually(fn () => DB::table('hms_sync_outbox')->exists(), 'there is something to send');
        $stopped = $this->start([__DIR__.'/crash.php', 'set relayed_at', '1', 'relay', '2'], ['CRASH' => 'stop']);
        $this->eventually(fn () => $this->isStopped($stopped), 'a relay has sent and not marked');

        DB::table('hms_sync_outbox_locks')->update(['until' => 0]);
        $other = $this->startArtisan('hms-sync:relay', '--sleep=0.01', '--batch=3');
        $this->eventually(fn () => $this->given() > 10, 'the other relay is at work');
        $stopped->signal(SIGCONT);

        foreach ($writers as $writer) {
            self::assertSame(0, $writer->wait(), $writer->getErrorOutput());
        }

        $this->eventually(fn () => DB::table('hms_sync_outbox')->whereNull('relayed_at')->doesntExist(), 'everything is sent', 60);
        $other->stop(5);
        self::assertSame(0, $stopped->wait(), $stopped->getErrorOutput());
        $this->eventually(fn () => count($this->ledger()) === 120, 'the ledger has every event');
        self::assertGreaterThan(120, $this->given(), 'the test itself: what was sent twice');
        self::assertSame(range(1, 60), array_values(array_filter($this->ledger(), fn (int $n) => $n <= 100)));
        self::assertSame(range(101, 160), array_values(array_filter($this->ledger(), fn (int $n) => $n > 100)));
    }

    #[DataProvider('servers')]
    public function test_a_transaction_that_the_database_rolls_back_in_a_deadlock_and_laravel_repeats_has_each_event_once(string $database): void
    {
        $this->bootWithSidecar($database);
        array_map(fn (int $id) => Inspection::query()->create(['id' => $id, 'status' => 'Open']), [1, 2]);
        $processes = [$this->start([__DIR__.'/deadlock.php', '1', '2', '10']), $this->start([__DIR__.'/deadlock.php', '2', '1', '20'])];

        foreach ($processes as $process) {
            $process->waitUntil(fn (string $type, string $text) => str_contains($text, 'locked'));
        }

        array_map(fn (Process $process) => $process->signal(SIGUSR1), $processes);
        $attempts = 0;

        foreach ($processes as $process) {
            self::assertSame(0, $process->wait(), $process->getErrorOutput().$process->getOutput());
            $attempts += (int) preg_replace('/.*attempts: /s', '', $process->getOutput());
        }

        self::assertGreaterThan(2, $attempts, 'the test itself: one was rolled back');
        $this->relay();
        $this->eventually(fn () => count($this->ledger()) >= 6, 'the ledger has every event');
        self::assertEqualsCanonicalizing([10, 11, 12, 20, 21, 22], $this->ledger());
    }

    #[DataProvider('servers')]
    public function test_the_events_of_a_transaction_whose_connection_the_database_ends_before_the_commit_are_nowhere(string $database): void
    {
        $this->bootWithSidecar($database);
        $writer = $this->start([__DIR__.'/late.php']);
        $writer->waitUntil(fn (string $type, string $text) => str_contains($text, 'written'));

        $this->endOtherConnections($database);
        $writer->signal(SIGUSR1);
        $writer->wait();
        self::assertStringContainsString('PDOException', $writer->getErrorOutput().$writer->getOutput());

        $last = $this->write(7, 7);
        self::assertSame(0, $last->wait(), $last->getErrorOutput());
        $this->relay();
        $this->eventually(fn () => $this->ledger() !== [], 'the ledger has the event of after');
        self::assertSame([7], $this->ledger());
        self::assertSame(['{"n":7}'], $this->payloads());
    }

    /**
     * @return iterable<string, array{string}>
     */
    public static function servers(): iterable
    {
        yield 'MariaDB' => ['mariadb'];
        yield 'PostgreSQL' => ['pgsql'];
    }

    private function isStopped(Process $process): bool
    {
        return str_contains((string) @file_get_contents("/proc/{$process->getPid()}/stat"), ') T ');
    }

    /**
     * A process that commits so many events, each with its row.
     */
    private function write(int $from, int $to): Process
    {
        return $this->start([__DIR__.'/crash.php', 'never', '1', 'write', Fixtures\Counted::class, (string) $from, (string) $to]);
    }

    private function endOtherConnections(string $database): void
    {
        if ($database === 'pgsql') {
            DB::select('select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()');

            return;
        }

        foreach (DB::select('select id from information_schema.processlist where db = database() and id <> connection_id()') as $row) {
            DB::statement("kill connection {$row->id}");
        }
    }
}
