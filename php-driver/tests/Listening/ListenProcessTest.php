<?php

namespace HmsSync\Tests\Listening;

use HmsSync\Tests\Support\RedisServer;
use HmsSync\Tests\Support\Sidecar;
use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\Attributes\TestWith;

class ListenProcessTest extends ListeningTestCase
{
    /** @var list<ListenProcess> */
    private array $processes = [];

    protected function tearDown(): void
    {
        foreach ($this->processes as $process) {
            $process->kill();
        }

        parent::tearDown();
    }

    /**
     * @return array<string, array{bool, int}>
     */
    public static function endings(): array
    {
        return [
            'SIGTERM, with curl' => [true, SIGTERM], 'SIGTERM, without curl' => [false, SIGTERM],
            'SIGQUIT, with curl' => [true, SIGQUIT], 'SIGQUIT, without curl' => [false, SIGQUIT],
            'SIGINT, with curl' => [true, SIGINT],
        ];
    }

    #[DataProvider('endings')]
    public function test_a_signal_ends_a_waiting_poll_within_two_seconds(bool $curl, int $signal): void
    {
        $listener = $this->listen($curl);
        $listener->waitFor($curl ? 'curl yes' : 'curl no');
        [$id] = $this->publish();
        $listener->waitFor("handled {$id}");
        $this->waitUntilItPolls();

        $asked = microtime(true);
        $listener->signal($signal);

        self::assertSame(0, $listener->exitCode());
        // The end of a poll of 1.5 s, and what a busy machine needs to end a process.
        self::assertLessThan(6.0, microtime(true) - $asked);
    }

    #[TestWith([true])]
    #[TestWith([false])]
    public function test_sigterm_lets_it_finish_and_ack_the_event_in_hand(bool $curl): void
    {
        $listener = $this->listen($curl);
        [$id] = $this->publish(payload: '{"wait":true}');
        $listener->waitFor("handling {$id}");
        [$next] = $this->publish();

        $listener->signal(SIGTERM);
        $listener->goOn();

        self::assertSame(0, $listener->exitCode());
        self::assertStringContainsString("handled {$id}", $listener->read());
        self::assertStringNotContainsString($next, $listener->read());
        $rest = $this->pull(waitMs: 5000);
        self::assertSame([$next], array_map(fn (array $delivery) => $delivery['envelope']['id'], $rest));
        $this->ack($rest);
    }

    public function test_sigterm_lets_it_finish_and_ack_the_one_event_of_once(): void
    {
        $listener = $this->listen(options: ['--once']);
        [$id] = $this->publish(payload: '{"wait":true}');
        $listener->waitFor("handling {$id}");

        $listener->signal(SIGTERM);
        $listener->goOn();

        self::assertSame(0, $listener->exitCode());
        self::assertStringContainsString("handled {$id}", $listener->read());
        self::assertSame(0, $this->owed()['owed']);
    }

    public function test_an_event_whose_listener_is_killed_comes_again(): void
    {
        $listener = $this->listen();
        [$id] = $this->publish(payload: '{"wait":true}', topic: self::ALARMS);
        $listener->waitFor("handling {$id}");

        $listener->signal(SIGKILL);

        $rest = $this->pull(waitMs: 20_000, topic: self::ALARMS);
        self::assertSame([$id], array_map(fn (array $delivery) => $delivery['envelope']['id'], $rest));
    }

    #[TestWith(['hms-sync:restart'])]
    #[TestWith(['queue:restart'])]
    public function test_a_restart_ends_it_with_0(string $command): void
    {
        $cache = ['CACHE_STORE' => 'redis', 'REDIS_CACHE_CONNECTION' => 'default'];
        $listener = $this->listen(env: $cache);
        [$id] = $this->publish();
        $listener->waitFor("handled {$id}");

        $this->artisan([$command], $cache);

        self::assertSame(0, $listener->exitCode());
    }

    public function test_an_event_that_takes_too_long_ends_it_and_comes_again_alone(): void
    {
        $before = $this->publish(6);
        [$slow] = $this->publish(payload: '{"hang":true}');
        $after = $this->publish(6);
        $listener = $this->listen(options: ['--timeout=1']);
        $listener->waitFor("handling {$slow}");

        // Laravel's worker kills its own process.
        self::assertSame(-1, $listener->exitCode());
        self::assertStringContainsString('took longer than 1 s', $listener->read());
        self::assertStringContainsString('handled '.end($before), $listener->read());

        // The leases last ten seconds: what comes before that was given back.
        $died = microtime(true);
        $attempts = [];
        while (count($attempts) < 7) {
            $rest = $this->pull(waitMs: 2000);
            self::assertLessThan(8.0, microtime(true) - $died);
            $this->ack($rest);
            $attempts += array_combine(array_map(fn (array $delivery) => $delivery['envelope']['id'], $rest), array_column($rest, 'attempt'));
        }

        self::assertEquals([$slow => 2, ...array_fill_keys($after, 1)], $attempts);
    }

    public function test_without_a_timeout_given_an_event_has_as_long_as_its_lease_allows(): void
    {
        // A lease of one second.
        [$id] = $this->publish(payload: '{"hang":true}', topic: self::ALARMS);
        $listener = $this->listen();
        $listener->waitFor("handling {$id}");

        self::assertSame(-1, $listener->exitCode(5));
        $this->ack($this->pull(waitMs: 10_000, topic: self::ALARMS), self::ALARMS);
    }

    public function test_it_needs_no_restart_when_the_bus_goes_away_and_comes_back(): void
    {
        $redis = RedisServer::start();
        $port = (string) RedisServer::freePort();
        $topics = __DIR__.'/../Fixtures/bus/topics.yaml';
        $bus = Sidecar::start($topics, ['HMS_SYNC_PORT' => $port], $redis);

        try {
            $listener = $this->listen(env: ['HMS_SYNC_URL' => $bus->url, 'HMS_SYNC_TOKEN' => $bus->keyOf('hms-api')]);
            $bus->publish('city-health', self::TOPIC, '{}', 'before');
            $listener->waitFor('handled before');

            $bus->stop();
            $listener->waitFor("cannot be reached at http://127.0.0.1:{$port}");
            $bus = Sidecar::start($topics, ['HMS_SYNC_PORT' => $port], $redis);
            $bus->request('DELETE', '/v1/keys/'.$bus->request('GET', '/v1/keys')['body']['keys'][1]['id']);
            $bus->publish('city-health', self::TOPIC, '{}', 'after');

            $listener->waitFor('handled after');
            self::assertSame(1, substr_count($listener->read(), 'cannot be reached'));
            self::assertStringContainsString('answers again after', $listener->read());
        } finally {
            $bus->stop();
            $redis->stop();
        }
    }

    /**
     * @param  list<string>  $options
     * @param  array<string, string>  $env
     */
    private function listen(bool $curl = true, array $options = [], array $env = []): ListenProcess
    {
        return $this->processes[] = new ListenProcess($options, [
            'HMS_SYNC_URL' => static::$sidecar->url,
            'HMS_SYNC_TOKEN' => static::$sidecar->keyOf('hms-api'),
            'REDIS_PORT' => (string) RedisServer::shared()->port,
            'LOG_CHANNEL' => 'stderr',
            'COMPOSER_VENDOR_DIR' => (string) getenv('COMPOSER_VENDOR_DIR'),
            ...$env,
        ], $curl ? null : ListenProcess::iniFilesWithoutCurl());
    }

    private function waitUntilItPolls(): void
    {
        $deadline = microtime(true) + 10;

        while ($this->owed()['waiting_pulls'] === 0) {
            self::assertLessThan($deadline, microtime(true), 'it does not poll');
        }
    }
}
