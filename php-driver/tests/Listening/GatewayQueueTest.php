<?php

namespace HmsSync\Tests\Listening;

use HmsSync\Gateway\GatewayException;
use HmsSync\Listening\Exchange;
use HmsSync\Listening\GatewayJob;
use HmsSync\Listening\GatewayQueue;
use HmsSync\Listening\Outage;
use HmsSync\Listening\Prefetch;
use HmsSync\Listening\Settles;
use Illuminate\Container\Container;
use PHPUnit\Framework\Attributes\TestWith;
use PHPUnit\Framework\TestCase;

class GatewayQueueTest extends TestCase
{
    private ScriptedGateway $gateway;

    private RememberedLog $log;

    private GatewayQueue $queue;

    private float $now = 1000.0;

    protected function setUp(): void
    {
        $this->gateway = new ScriptedGateway;
        $this->log = new RememberedLog;
        $clock = fn () => $this->now;
        $settles = new Settles;
        $exchange = new Exchange($this->gateway, $settles, $this->log);
        $this->queue = new class($clock, $exchange, new Prefetch, $settles, new Outage($this->log), $this->log, []) extends GatewayQueue
        {
            public function __construct(private \Closure $clock, mixed ...$parts)
            {
                parent::__construct(...$parts);
            }

            protected function now(): float
            {
                return ($this->clock)();
            }
        };
        $this->queue->setContainer(new Container);
        $this->queue->setConnectionName('hms-sync');
    }

    public function test_a_flood_takes_one_request_for_hundreds_of_events(): void
    {
        $this->gateway->owe(1000);

        $this->handle(1000);

        self::assertSame([1, 4, 16, 64, 256, 500, 500], $this->gateway->asked);
        self::assertSame(7, $this->gateway->requests);
    }

    public function test_a_lone_event_is_acked_before_the_next_poll_waits(): void
    {
        $this->gateway->owe(1);
        $this->handle(1);
        self::assertSame([], $this->gateway->settled);

        self::assertNull($this->queue->pop());

        self::assertSame(['ack r1.1.0'], $this->gateway->settled);
        self::assertSame(3, $this->gateway->requests);
    }

    public function test_an_ack_waits_for_no_more_than_about_a_second_while_others_are_handled(): void
    {
        $this->heldAt(16);

        $this->handle(1);
        $this->now += 0.6;
        $this->handle(1);
        self::assertSame([], $this->gateway->settled);
        $this->now += 0.6;
        $this->handle(1);

        self::assertSame(['ack r1.1.0..2'], $this->gateway->settled);
    }

    public function test_events_wait_here_for_a_sixth_of_their_lease_then_it_is_extended(): void
    {
        $this->heldAt(16, ackWaitMs: 6_000);
        $this->handle(12);

        $this->now += 1.01;
        $this->handle(1);

        self::assertSame('extend r1.1.12..15', end($this->gateway->settled));
    }

    public function test_what_the_pace_would_not_reach_soon_is_given_back(): void
    {
        $this->heldAt(16);

        $this->handle(1);
        $this->now += 5.1;
        $this->handle(1);

        self::assertSame(['ack r1.1.0', 'release r1.1.2..15', 'extend r1.1.1'], $this->sorted($this->gateway->settled));
        $this->gateway->settled = [];
        $this->queue->pop();
        self::assertSame(['ack r1.1.1'], $this->gateway->settled);
    }

    public function test_an_event_that_was_lost_when_its_lease_was_extended_is_not_handled_here(): void
    {
        $this->heldAt(6, lease: 'r0.2', ackWaitMs: 6_000, andOwe: function () {
            $this->gateway->owe(2, 'readings.taken', 'r1.1', 6_000);
            $this->gateway->owe(2, 'alarms.raised', 'r1.1', 6_000);
        });
        $this->gateway->late = ['alarms.raised r1.1.0'];
        $this->handle(6);

        $this->now += 1.01;
        $handled = [];
        while ($job = $this->queue->pop()) {
            $handled[] = $job->getQueue().' '.$job->getJobId();
            $job->delete();
        }

        self::assertSame(['readings.taken e0', 'readings.taken e1', 'alarms.raised e1'], $handled);
    }

    public function test_events_whose_lease_is_over_are_not_handled_here(): void
    {
        $this->heldAt(4);
        $this->handle(1);
        $this->now += 27.1;

        self::assertNull($this->queue->pop());
        self::assertSame(1, end($this->gateway->asked));
    }

    public function test_a_paused_worker_settles_what_it_handled_and_holds_nothing(): void
    {
        $this->heldAt(8);
        $this->queue->turn();
        $this->handle(2);
        $this->queue->turn();
        self::assertSame([], $this->gateway->settled);

        $this->queue->turn();

        self::assertSame(['ack r1.1.0..1', 'release r1.1.2..7'], $this->gateway->settled);
        $requests = $this->gateway->requests;
        $this->queue->turn();
        self::assertSame($requests, $this->gateway->requests);
    }

    public function test_a_paused_worker_settles_once_the_bus_is_back(): void
    {
        $this->heldAt(2);
        $this->handle(1);
        $this->queue->turn();
        $this->gateway->failure = $this->failure();
        $this->queue->turn();
        self::assertSame([], $this->gateway->settled);

        $this->gateway->failure = null;
        $this->now += 10;
        $this->queue->turn();

        self::assertSame(['ack r1.1.0', 'release r1.1.1'], $this->gateway->settled);
    }

    public function test_what_was_fetched_is_handled_while_the_bus_is_away_and_settled_when_it_is_back(): void
    {
        $this->heldAt(6);
        $this->gateway->failure = $this->failure();

        // An ack is due after a second and finds the bus away.
        $this->handle(1);
        $this->now += 1.1;
        $this->handle(1);
        $requests = $this->gateway->requests;
        $this->handle(4);
        self::assertSame($requests, $this->gateway->requests);
        self::assertNull($this->queue->pop());
        self::assertCount(1, $this->log->lines);

        $this->gateway->failure = null;
        $this->now += 10;
        self::assertNull($this->queue->pop());
        self::assertSame(['ack r1.1.0..5'], $this->gateway->settled);
    }

    public function test_an_outage_is_told_once_and_its_end_only_when_the_bus_has_answered(): void
    {
        $told = [];
        $this->queue->outage()->tell(function (string $message) use (&$told) {
            $told[] = $message;
        });
        $this->gateway->failure = $this->failure('HMS-Sync: the bus cannot be reached at http://bus.example.');

        for ($try = 0; $try < 5; $try++) {
            self::assertNull($this->queue->pop());
            $this->now += 5;
        }

        $this->gateway->failure = null;
        $this->queue->pop();
        $this->queue->pop();

        self::assertSame([
            'warning: HMS-Sync: the bus cannot be reached at http://bus.example. Trying again until it answers.',
            'warning: HMS-Sync: http://bus.example answers again after 25.0 s.',
        ], $this->log->lines);
        self::assertSame($told, array_map(fn (string $line) => substr($line, strlen('warning: ')), $this->log->lines));
    }

    /**
     * @param  list<float>  $pauses
     */
    #[TestWith([null, [0.25, 0.5, 1.0, 2.0, 5.0, 5.0]])]
    #[TestWith([3, [3.0, 3.0, 3.0, 3.0, 5.0, 5.0]])]
    #[TestWith([60, [5.0, 5.0]])]
    public function test_the_pauses_between_tries_grow_to_five_seconds(?int $retryAfter, array $pauses): void
    {
        $this->gateway->failure = $this->failure(retryAfter: $retryAfter);
        $this->queue->pop();

        foreach ($pauses as $at => $pause) {
            // A try sleeps through the last quarter of a second by itself.
            $this->now += $pause - 0.26;
            $this->queue->pop();
            self::assertSame($at + 1, $this->gateway->requests, "pause {$at} was too short");
            $this->now += 0.26;
            $this->queue->pop();
            self::assertSame($at + 2, $this->gateway->requests, "pause {$at} was too long");
        }
    }

    public function test_a_refusal_is_told_to_who_can_end_the_worker(): void
    {
        $refused = [];
        $this->queue->onRefusal(function (GatewayException $e) use (&$refused) {
            $refused[] = $e->gatewayCode;
        });
        $this->gateway->failure = new GatewayException('HMS-Sync: no', 'unauthorized', 401, false);

        self::assertNull($this->queue->pop());

        self::assertSame(['unauthorized'], $refused);
        self::assertSame(['error: HMS-Sync: no'], $this->log->lines);
    }

    public function test_settles_that_came_too_late_are_told_with_the_remedy(): void
    {
        $this->gateway->owe(1);
        $this->gateway->late = ['readings.taken r1.1.0'];
        $this->handle(1);

        $this->queue->pop();

        self::assertStringContainsString('ack_wait', $this->log->lines[0]);
    }

    public function test_the_end_says_so_when_the_last_events_could_not_be_settled(): void
    {
        $this->gateway->owe(1);
        $this->handle(1);
        $this->gateway->failure = $this->failure();

        $this->queue->close();

        self::assertNotNull($this->queue->outage()->failure());
        self::assertStringContainsString('could not be settled', (string) end($this->log->lines));
    }

    public function test_an_event_may_take_five_sixths_of_its_lease_unless_the_operator_says_otherwise(): void
    {
        $this->gateway->owe(1);
        $this->gateway->owe(1, ackWaitMs: 1_000);
        $this->gateway->owe(1);

        $timeouts = [$this->queue->pop()?->timeout(), $this->queue->pop()?->timeout(), $this->queue->within(90)->pop()?->timeout()];

        self::assertSame([25, 1, 90], $timeouts);
    }

    public function test_an_event_whose_time_is_over_is_nacked_before_the_process_is_killed(): void
    {
        $this->heldAt(3);
        $this->handle(1);
        $job = $this->queue->pop();
        self::assertInstanceOf(GatewayJob::class, $job);

        $this->queue->timedOut($job);

        self::assertSame(['ack r1.1.0', 'nack r1.1.1', 'release r1.1.2'], $this->gateway->settled);
        self::assertStringContainsString('longer than 25 s', $this->log->lines[0]);
    }

    public function test_an_event_that_was_acked_when_its_time_was_over_stays_acked(): void
    {
        $this->gateway->owe(1);
        $job = $this->queue->pop();
        self::assertInstanceOf(GatewayJob::class, $job);
        $job->delete();

        $this->queue->timedOut($job);

        self::assertSame(['ack r1.1.0'], $this->gateway->settled);
    }

    /**
     * Hold so many events, none of them handled.
     */
    private function heldAt(int $count, string $topic = 'readings.taken', string $lease = 'r1.1', int $ackWaitMs = 30_000, ?\Closure $andOwe = null): void
    {
        $this->gateway->owe(85, lease: 'r0.1');
        $this->handle(85);
        $this->gateway->owe($count, $topic, $lease, $ackWaitMs);
        $andOwe === null || $andOwe();
        $this->queue->turn();

        // Fetches, so that what was handled before is settled.
        $first = $this->queue->pop();
        self::assertInstanceOf(GatewayJob::class, $first);
        $this->first = $first;
        $this->gateway->settled = [];
    }

    private ?GatewayJob $first = null;

    private function handle(int $count): void
    {
        for ($i = 0; $i < $count; $i++) {
            $job = $this->first ?? $this->queue->pop();
            $this->first = null;
            self::assertInstanceOf(GatewayJob::class, $job);
            $job->delete();
        }
    }

    /**
     * @param  list<string>  $settled
     * @return list<string>
     */
    private function sorted(array $settled): array
    {
        usort($settled, fn (string $a, string $b) => array_search(strtok($a, ' '), ['ack', 'release', 'extend'], true) <=> array_search(strtok($b, ' '), ['ack', 'release', 'extend'], true));

        return $settled;
    }

    private function failure(string $message = 'HMS-Sync: away.', ?int $retryAfter = null): GatewayException
    {
        return new GatewayException($message, 'unreachable', 0, true, retryAfter: $retryAfter);
    }
}
