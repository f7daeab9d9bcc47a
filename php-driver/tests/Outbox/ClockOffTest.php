<?php

namespace HmsSync\Tests\Outbox;

use HmsSync\Tests\Outbox\Fixtures\Counted;
use Illuminate\Support\Facades\Date;
use Illuminate\Support\Facades\DB;
use Symfony\Component\Process\Process;

/**
 * PHP processes whose clock is an hour off and steps, by libfaketime; everybody else has the right time.
 */
class ClockOffTest extends OutboxOnBusTestCase
{
    private string $clock;

    protected function setUp(): void
    {
        if ($this->library() === null) {
            self::markTestSkipped('libfaketime is not installed: apt-get install faketime');
        }

        parent::setUp();
        $this->clock = (string) tempnam(sys_get_temp_dir(), 'clock');
    }

    protected function tearDown(): void
    {
        if ($this->library() !== null) {
            unlink($this->clock);
            parent::tearDown();
        }
    }

    public function test_events_and_a_relay_whose_clock_is_an_hour_ahead_and_steps_two_hours_back_are_in_the_ledger_once_and_in_order(): void
    {
        $this->bootWithSidecar('mariadb');
        $this->setClock(3_600);
        $relay = $this->start([static::APP.'/artisan', 'hms-sync:relay', '--sleep=0.01', '--batch=5'], $this->offClock());
        $this->write(1, 30);
        $this->eventually(fn () => count($this->ledger()) === 30, 'the ledger has what was fired an hour ahead');

        $this->setClock(-3_600);
        $this->write(31, 60);
        $this->eventually(fn () => count($this->ledger()) === 60, 'the ledger has what was fired an hour behind');
        $relay->stop(5);

        self::assertSame(range(1, 60), $this->ledger());
        self::assertSame(60, $this->given(), 'each was sent once');
        $rows = $this->rows();
        self::assertEqualsWithDelta(3_600, $this->secondsFromNow($rows[0]->time), 120, 'the test itself: the clock was ahead');
        self::assertEqualsWithDelta(-3_600, $this->secondsFromNow($rows[59]->time), 120, 'the test itself: the clock was behind');
    }

    public function test_a_row_that_was_refused_before_the_clock_was_set_back_is_tried_again_at_once(): void
    {
        $this->bootWithSidecar('sqlite');
        event(new Counted(1));
        DB::table('hms_sync_outbox')->update(['attempts' => 1, 'retry_at' => Date::now('UTC')->addSeconds(3_600 + 5)->format('Y-m-d H:i:s')]);

        $this->relay();

        $this->eventually(fn () => $this->ledger() === [1], 'the ledger has the event');
    }

    /**
     * Have a process fire events by the wrong clock, each in a transaction.
     */
    private function write(int $from, int $to): void
    {
        $writer = $this->start([__DIR__.'/crash.php', 'never', '1', 'write', Counted::class, (string) $from, (string) $to], $this->offClock());

        self::assertSame(0, $writer->wait(), $writer->getErrorOutput());
    }

    private function setClock(int $seconds): void
    {
        file_put_contents($this->clock, sprintf("%+ds\n", $seconds));
    }

    private function secondsFromNow(string $time): int
    {
        return Date::parse($time)->getTimestamp() - time();
    }

    /**
     * The environment of a process by this clock. Its timers go on by the real one.
     *
     * @return array<string, string>
     */
    private function offClock(): array
    {
        return [
            'LD_PRELOAD' => (string) $this->library(), 'FAKETIME_TIMESTAMP_FILE' => $this->clock, 'FAKETIME_NO_CACHE' => '1',
            'FAKETIME_DONT_FAKE_MONOTONIC' => '1',
        ];
    }

    private function library(): ?string
    {
        return (glob('/usr/lib/*/faketime/libfaketime.so.1') ?: [])[0] ?? null;
    }
}
