<?php

namespace HmsSync\Tests\Inbox;

use HmsSync\Tests\Inbound\Envelopes;
use Illuminate\Support\Facades\DB;
use PHPUnit\Framework\Attributes\DataProvider;
use Symfony\Component\Process\Exception\ProcessSignaledException;
use Symfony\Component\Process\InputStream;
use Symfony\Component\Process\Process;

/**
 * Processes are killed at every step of handling an event, and the event is handled again.
 */
class InboxCrashTest extends InboxTestCase
{
    #[DataProvider('databases')]
    public function test_an_event_has_its_effect_once_wherever_its_handler_is_killed(string $database): void
    {
        $this->bootOn($database);
        $this->listen($this->effect(...));

        foreach (['begun', 'recorded', 'listened', 'committing', 'callbacks', 'committed'] as $step) {
            $this->kill(Envelopes::once($step), $step);

            $stored = in_array($step, ['callbacks', 'committed'], true);
            self::assertSame($stored, in_array($step, $this->effects(), true), "the test itself: where [{$step}] is");

            $this->handle(Envelopes::once($step));
            $this->handle(Envelopes::once($step));
        }

        self::assertSame(['begun', 'recorded', 'listened', 'committing', 'callbacks', 'committed'], $this->effects());
        self::assertCount(6, $this->inbox());
    }

    #[DataProvider('databases')]
    public function test_of_two_processes_with_one_event_the_second_waits_for_the_first_and_then_does_nothing(string $database): void
    {
        $this->bootOn($database);
        [$first, $input] = $this->holding(Envelopes::once('a'));
        $second = $this->process(Envelopes::once('a'));
        $this->untilItWaits($second);

        $input->write("\n");
        $input->close();

        self::assertSame([0, 0], [$first->wait(), $second->wait()], $first->getErrorOutput().$second->getErrorOutput());
        self::assertSame([['a'], ['a']], [$this->effects(), $this->inbox()]);
    }

    #[DataProvider('databases')]
    public function test_of_two_processes_with_one_event_the_second_does_it_when_the_first_is_killed(string $database): void
    {
        $this->bootOn($database);
        [$first] = $this->holding(Envelopes::once('a'));
        $second = $this->process(Envelopes::once('a'));
        $this->untilItWaits($second);

        $first->signal(SIGKILL);

        self::assertSame(0, $second->wait(), $second->getErrorOutput());
        self::assertSame([['a'], ['a']], [$this->effects(), $this->inbox()]);
    }

    /**
     * What ShouldQueueAfterCommit means for an event that counts as handled: docs/laravel/inbound.md warns of it.
     */
    #[DataProvider('databases')]
    public function test_a_job_that_is_queued_after_the_commit_is_lost_by_a_crash_in_between(string $database): void
    {
        $this->bootOn($database);

        $this->kill(Envelopes::once('a'), 'callbacks');
        $again = $this->process(Envelopes::once('a'));
        $another = $this->process(Envelopes::once('b'));

        self::assertSame([0, 0], [$again->wait(), $another->wait()], $again->getErrorOutput().$another->getErrorOutput());
        self::assertSame(['a', 'b'], $this->effects());
        self::assertSame(1, DB::table('jobs')->count());
    }

    private function kill(string $envelope, string $step): void
    {
        $process = $this->process($envelope, $step);

        try {
            $process->wait();
            self::fail("it was not killed at [{$step}]: ".$process->getErrorOutput().$process->getOutput());
        } catch (ProcessSignaledException $e) {
            self::assertSame(SIGKILL, $e->getSignal());
        }
    }

    /**
     * Start a process that has the event in hand, uncommitted, until its input has a line.
     *
     * @return array{Process, InputStream}
     */
    private function holding(string $envelope): array
    {
        $process = $this->process($envelope, 'hold', $input = new InputStream);
        $process->waitUntil(fn (string $type, string $output) => str_contains($output, 'holding'));

        return [$process, $input];
    }

    /**
     * Wait until the process is where it needs the other one to end: it has begun its transaction and says no more.
     */
    private function untilItWaits(Process $process): void
    {
        $process->waitUntil(fn (string $type, string $output) => str_contains($output, 'begun'));
        self::assertTrue($process->isRunning());
        self::assertStringNotContainsString('handled', $process->getOutput());
    }
}
