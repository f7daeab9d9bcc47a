<?php

namespace HmsSync\Tests\Listening;

use HmsSync\Events\EnvelopeReceived;
use HmsSync\Inbound\Undeliverable;
use HmsSync\Tests\Support\RedisServer;
use Illuminate\Contracts\Console\Kernel;
use Illuminate\Contracts\Foundation\MaintenanceMode;
use Illuminate\Queue\Events\JobFailed;
use Illuminate\Queue\Events\JobProcessing;
use Illuminate\Queue\QueueManager;
use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\Attributes\TestWith;
use RuntimeException;

class ListenTest extends ListeningTestCase
{
    public function test_an_event_is_handled_and_acked_and_does_not_come_again(): void
    {
        $before = $this->owed()['acked'];
        [$id] = $this->publish(payload: '{"meter":7}');
        $payloads = [];
        $this->onEvent(function (EnvelopeReceived $event) use (&$payloads) {
            $payloads[] = $event->envelope->payload;
        });

        self::assertSame(0, $this->artisanCall(['--once' => true]));

        self::assertSame([$id], $this->handled);
        self::assertSame([['meter' => 7]], $payloads);
        self::assertSame($before + 1, $this->owed()['acked']);
        self::assertSame(0, $this->artisanCall(['--once' => true]));
        self::assertSame([$id], $this->handled);
    }

    public function test_hundreds_of_events_are_handled_in_their_order_and_all_acked(): void
    {
        $before = $this->owed()['acked'];
        $ids = $this->publish(300);

        self::assertSame(0, $this->artisanCall(['--stop-when-empty' => true]));

        self::assertSame($ids, $this->handled);
        self::assertSame(['owed' => 0, 'acked' => $before + 300], array_intersect_key($this->owed(), ['owed' => 1, 'acked' => 1]));
    }

    public function test_a_listener_that_throws_gets_the_event_again_after_the_backoff_of_the_bus(): void
    {
        [$id] = $this->publish();
        $attempts = [];
        $this->app->make('events')->listen(JobProcessing::class, function (JobProcessing $event) use (&$attempts) {
            $attempts[] = $event->job->attempts();
        });
        $this->onEvent(fn () => count($this->handled) === 1 ? throw new RuntimeException('secret 4711') : null);

        $this->artisanCall(['--max-jobs' => 2]);

        self::assertSame([$id, $id], $this->handled);
        self::assertSame([1, 2], $attempts);
        self::assertSame(0, $this->owed()['owed']);
    }

    public function test_an_event_that_always_fails_becomes_a_dead_letter_of_the_bus_and_no_failed_job_of_laravel(): void
    {
        $this->bootWithDatabaseQueue([
            'hms-sync.url' => static::$sidecar->url, 'hms-sync.token' => static::$sidecar->keyOf('hms-api'), 'cache.default' => 'array',
        ]);
        $this->onEvent(fn () => throw new RuntimeException('secret 4711'));
        [$id] = $this->publish();

        $this->artisanCall(['--max-jobs' => 3]);

        self::assertSame([$id, $id, $id], $this->handled);
        $letter = $this->deadLetter($id);
        self::assertSame(RuntimeException::class, $letter['reason']);
        self::assertSame(3, $letter['attempts']);
        self::assertSame(0, $this->app->make('db')->table('failed_jobs')->count());
    }

    public function test_an_event_that_can_never_be_handled_is_terminated_at_once_with_the_reason(): void
    {
        [$id] = $this->publish();
        $this->onEvent(fn () => throw new Undeliverable('the field [meter] is missing'));
        $failed = [];
        $this->app->make('events')->listen(JobFailed::class, function (JobFailed $event) use (&$failed) {
            $failed[] = $event->exception->getMessage();
        });

        $this->artisanCall(['--once' => true]);

        self::assertSame('the field [meter] is missing', $this->deadLetter($id)['reason']);
        self::assertSame(1, $this->deadLetter($id)['attempts']);
        self::assertSame(['the field [meter] is missing'], $failed);
    }

    public function test_what_was_fetched_and_not_handled_is_given_back_when_it_stops(): void
    {
        $ids = $this->publish(30);

        self::assertSame(0, $this->artisanCall(['--max-jobs' => 7]));

        self::assertSame(array_slice($ids, 0, 7), $this->handled);
        $rest = $this->pull(waitMs: 5000);
        while (count($rest) < 23) {
            $rest = [...$rest, ...$this->pull(waitMs: 5000)];
        }
        self::assertEqualsCanonicalizing(array_slice($ids, 7), array_map(fn (array $delivery) => $delivery['envelope']['id'], $rest));
        self::assertSame([1], array_values(array_unique(array_column($rest, 'attempt'))));
        $this->ack($rest);
    }

    public function test_a_slow_listener_holds_one_event_at_a_time_so_that_others_get_theirs(): void
    {
        $this->publish(4);
        $others = [];
        $this->onEvent(function () use (&$others) {
            usleep(2_100_000);
            $others = [...$others, ...$this->pull()];
        });

        $this->artisanCall(['--max-jobs' => 1]);

        self::assertCount(3, $others);
        $this->ack($others);
    }

    public function test_only_the_topics_asked_for_are_listened_to(): void
    {
        [$reading] = $this->publish();
        [$moved] = $this->publish(payload: '{}', topic: 'inspections.rescheduled');

        self::assertSame(0, $this->artisanCall(['--topic' => 'readings.taken', '--stop-when-empty' => true]));

        self::assertSame([$reading], $this->handled);
        self::assertSame(1, $this->owed('inspections.rescheduled')['owed']);
        $this->handled = [];
        $this->useInboxDatabase();
        $this->artisanCall(['--topic' => ' inspections.rescheduled , readings.taken', '--stop-when-empty' => true]);
        self::assertSame([$moved], $this->handled);
    }

    /**
     * @return array<string, array{array<string, string>, array<string, mixed>, string}>
     */
    public static function refusals(): array
    {
        return [
            'a token that is not valid' => [['hms-sync.token' => 'hms_wrong'], [], '[unauthorized]'],
            'no token' => [['hms-sync.token' => ''], [], 'HMS_SYNC_TOKEN is not set'],
            'the token of another system' => [['hms-sync.consumer' => 'city-health'], [], '[not_a_consumer]'],
            'a topic that is none' => [[], ['--topic' => 'readings.token'], '[unknown_topic]'],
            'a topic of others' => [[], ['--topic' => 'inspections.schedule'], '[not_a_consumer]'],
        ];
    }

    /**
     * @param  array<string, string>  $config
     * @param  array<string, mixed>  $options
     */
    #[DataProvider('refusals')]
    public function test_what_no_later_try_would_change_ends_it_with_1(array $config, array $options, string $message): void
    {
        $this->bootListening($config);

        self::assertSame(1, $this->artisanCall($options));
        self::assertStringContainsString($message, (string) preg_replace('/\s+/', ' ', $this->printed()));

        $this->bootListening();
    }

    public function test_a_bus_that_cannot_be_reached_ends_once_with_1_and_names_the_address(): void
    {
        $port = RedisServer::freePort();
        $this->bootListening(['hms-sync.url' => "http://127.0.0.1:{$port}"]);

        self::assertSame(1, $this->artisanCall(['--once' => true]));
        self::assertStringContainsString("http://127.0.0.1:{$port}", $this->printed());
        self::assertSame(1, $this->artisanCall(['--stop-when-empty' => true]));

        $this->bootListening();
    }

    public function test_nothing_is_fetched_in_maintenance_mode_unless_forced(): void
    {
        [$id] = $this->publish();
        $this->app->instance(MaintenanceMode::class, new Down);

        self::assertSame(0, $this->artisanCall(['--max-time' => 1]));
        self::assertSame([], $this->handled);
        self::assertSame(0, $this->artisanCall(['--once' => true]));
        self::assertSame([], $this->handled);

        self::assertSame(0, $this->artisanCall(['--max-jobs' => 1, '--force' => true]));
        self::assertSame([$id], $this->handled);
    }

    public function test_maintenance_mode_settles_what_was_handled_and_gives_the_rest_to_others(): void
    {
        $before = $this->owed()['acked'];
        $ids = $this->publish(30);
        $turns = 0;
        $others = [];
        $acked = null;
        $this->app->instance(MaintenanceMode::class, new Down(function () use (&$turns, &$others, &$acked) {
            if (count($this->handled) < 7) {
                return false;
            }

            // The first turn in maintenance mode has ended when the second begins.
            if (++$turns === 2) {
                $others = $this->pull();
                $acked = $this->owed()['acked'];
            }

            return true;
        }));

        self::assertSame(0, $this->artisanCall(['--max-time' => 2]));

        self::assertSame(array_slice($ids, 0, 7), $this->handled);
        self::assertSame($before + 7, $acked);
        self::assertNotSame([], $others);
        self::assertSame([1], array_values(array_unique(array_column($others, 'attempt'))));
        $this->ack($others);
    }

    #[TestWith(['hms-sync:restart'])]
    #[TestWith(['queue:restart'])]
    public function test_a_restart_in_maintenance_mode_lets_no_old_code_handle_another_event(string $command): void
    {
        $this->publish();
        $turns = 0;
        $this->app->instance(MaintenanceMode::class, new Down(function () use (&$turns, $command) {
            if (++$turns === 2) {
                $this->app->make(Kernel::class)->call($command);
            }

            // It is over before the next turn.
            return $turns < 3;
        }));

        self::assertSame(0, $this->artisanCall(['--max-jobs' => 1]));

        self::assertSame([], $this->handled);
    }

    public function test_a_paused_queue_of_laravel_12_fetches_nothing(): void
    {
        $queues = $this->app->make(QueueManager::class);

        if (str_starts_with($this->app->version(), '11.')) {
            self::markTestSkipped('Laravel 11 pauses no queues.');
        }

        $this->publish();
        $queues->pause('hms-sync', 'hms-sync');
        self::assertSame(0, $this->artisanCall(['--max-time' => 1]));
        self::assertSame([], $this->handled);

        $queues->resume('hms-sync', 'hms-sync');
        self::assertSame(0, $this->artisanCall(['--once' => true]));
        self::assertCount(1, $this->handled);
    }

    public function test_a_line_tells_what_became_of_each_event_and_nothing_of_its_payload_or_of_jobs_inside(): void
    {
        [$done, $failed, $hopeless] = $this->publish(3, '{"meter":"secret 4711"}');
        $this->onEvent(function (EnvelopeReceived $event) use ($failed, $hopeless) {
            dispatch(fn () => null)->onConnection('sync');
            match ($event->envelope->id) {
                $failed => throw new RuntimeException('secret 4711'),
                $hopeless => throw new Undeliverable('the field [meter] is no number'),
                default => null,
            };
        });

        $this->artisanCall(['--max-jobs' => 3, '-v' => true]);

        $lines = array_values(array_filter(explode("\n", $this->printed())));
        self::assertCount(6, $lines);
        self::assertMatchesRegularExpression("/readings\\.taken {$done}.* RUNNING/", $lines[0]);
        self::assertMatchesRegularExpression("/readings\\.taken {$done}.* DONE/", $lines[1]);
        self::assertMatchesRegularExpression("/readings\\.taken {$failed}.* FAIL/", $lines[3]);
        self::assertMatchesRegularExpression("/readings\\.taken {$hopeless}.* FAIL/", $lines[5]);
        self::assertStringNotContainsString('secret', $this->printed());
    }

    public function test_json_lines_tell_the_same_to_machines(): void
    {
        [$id] = $this->publish(1, '{"meter":"secret 4711"}');

        $this->artisanCall(['--once' => true, '--json' => true]);

        [$starting, $success] = array_map(fn (string $line) => json_decode($line, true), explode("\n", trim($this->printed())));
        self::assertSame([$id, 'readings.taken', 'starting', 1], [$starting['id'], $starting['queue'], $starting['status'], $starting['attempts']]);
        self::assertSame(['success', 'deleted'], [$success['status'], $success['result']]);
        self::assertStringNotContainsString('secret', $this->printed());
    }

    public function test_the_leases_of_events_that_wait_here_are_kept(): void
    {
        // Leases of one second, and work for two.
        $ids = $this->publish(12, topic: self::ALARMS);
        $attempts = [];
        $this->app->make('events')->listen(JobProcessing::class, function (JobProcessing $event) use (&$attempts) {
            $attempts[] = $event->job->attempts();
        });
        $this->onEvent(fn () => usleep(250_000));

        $this->artisanCall(['--stop-when-empty' => true]);

        self::assertSame($ids, $this->handled);
        self::assertSame([1], array_values(array_unique($attempts)));
        self::assertSame(0, $this->owed(self::ALARMS)['owed']);
    }

    public function test_the_memory_limit_ends_it_with_12_after_the_event_in_hand(): void
    {
        [$id] = $this->publish();

        self::assertSame(12, $this->artisanCall(['--memory' => 1]));
        self::assertSame([$id], $this->handled);
        self::assertSame(0, $this->owed()['owed']);
    }

    public function test_nothing_can_be_pushed_onto_it(): void
    {
        $this->artisanCall(['--once' => true]);

        $this->expectExceptionMessage('only brings events in');
        $this->app->make('queue')->connection('hms-sync')->push('job');
    }

    protected function useInboxDatabase(): void
    {
        $this->bootWithDatabaseQueue([
            'hms-sync.url' => static::$sidecar->url, 'hms-sync.token' => static::$sidecar->keyOf('hms-api'),
            'hms-sync.inbound' => [], 'cache.default' => 'array',
        ]);
        $this->onEvent(fn () => null);
    }

    /**
     * @return array<string, mixed>
     */
    protected function deadLetter(string $id): array
    {
        $deadline = microtime(true) + 10;

        do {
            foreach (static::$sidecar->request('GET', '/v1/dead-letters')['body']['dead_letters'] as $letter) {
                if (json_decode($letter['envelope'], true)['id'] === $id) {
                    return $letter;
                }
            }
        } while (microtime(true) < $deadline);

        self::fail("there is no dead letter of {$id}");
    }
}
