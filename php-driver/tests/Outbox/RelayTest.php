<?php

namespace HmsSync\Tests\Outbox;

use ErrorException;
use HmsSync\Outbox\OutboxConnections;
use HmsSync\Outbox\OutboxStatus;
use HmsSync\Tests\Outbox\Fixtures\Counted;
use HmsSync\Tests\Outbox\Fixtures\CountedNow;
use HmsSync\Tests\Support\RedisServer;
use Illuminate\Support\Facades\Broadcast;
use Illuminate\Support\Facades\Date;
use Illuminate\Support\Facades\DB;
use PHPUnit\Framework\Attributes\DataProvider;
use ReflectionProperty;
use Symfony\Component\Process\Process;

class RelayTest extends OutboxTestCase
{
    #[DataProvider('clientsAndDatabases')]
    public function test_a_backlog_arrives_whole_in_order_and_byte_for_byte(string $client, string $database): void
    {
        $this->bootOn($database, [
            'database.redis.client' => $client,
            'database.redis.options' => ['prefix' => 'p:', ...($client === 'phpredis' ? ['serializer' => \Redis::SERIALIZER_PHP] : [])],
        ]);
        $payload = ['text' => 'Größe "42" \\ 検査', 'big' => 9007199254740993, 'float' => 10.0, 'empty' => new \stdClass, 'null' => null];

        DB::transaction(fn () => array_map(fn (int $n) => event(new Counted($n)), range(1, 25)));
        Broadcast::on(['inspections.status', 'private-facilities.12'])->as('App\\Events\\Größe')->with($payload)->send();

        [$status] = $this->call('hms-sync:relay', ['--stop-when-empty' => true, '--batch' => 10]);

        $sent = $this->sent();
        self::assertSame(0, $status);
        self::assertSame(array_map(fn (int $n) => '{"n":'.$n.'}', range(1, 25)), array_slice($sent, 0, 25));
        self::assertSame('{"text":"Gr\u00f6\u00dfe \"42\" \\\\ \u691c\u67fb","big":9007199254740993,"float":10.0,"empty":{},"null":null}', $sent[25]);
        self::assertSame('["inspections.status","private-facilities.12"]', $this->entries()[25]['channels']);
        self::assertSame('App\Events\Größe', $this->entries()[25]['event']);
        self::assertSame(['hms-sync:intake'], $this->redis->keys('*'));
    }

    /**
     * @return iterable<string, array{string, string}>
     */
    public static function clientsAndDatabases(): iterable
    {
        foreach (['phpredis', 'predis'] as $client) {
            foreach (self::databases() as $name => [$database]) {
                yield "{$client}, {$name}" => [$client, $database];
            }
        }
    }

    public function test_once_sends_one_batch(): void
    {
        $this->bootOn('sqlite');
        array_map(fn (int $n) => event(new Counted($n)), range(1, 5));

        self::assertSame(0, $this->call('hms-sync:relay', ['--once' => true, '--batch' => 2])[0]);
        self::assertCount(2, $this->entries());
    }

    #[DataProvider('databases')]
    public function test_a_row_that_commits_late_is_sent_although_later_ids_were_sent_before(string $database): void
    {
        $this->bootOn($database);
        $process = $this->start([__DIR__.'/late.php']);
        $this->eventually(fn () => str_contains($process->getOutput(), 'written'), 'the first row is written');

        // SQLite has one writer at a time; there the second row has to wait for the first.
        if ($database !== 'sqlite') {
            event(new Counted(2));
            $this->relay();
            self::assertSame(['{"n":2}'], $this->sent());
        }

        $process->signal(SIGUSR1);
        $process->wait();
        $this->relay();

        self::assertContains('{"n":1}', $this->sent());
    }

    /**
     * phpredis waits its read timeout for each reply that is missing, which would be minutes for a batch of many.
     */
    #[DataProvider('clients')]
    public function test_a_batch_waits_for_one_reply(string $client): void
    {
        $redis = RedisServer::start();
        $this->bootOn('sqlite', ['database.redis.client' => $client, 'database.redis.default.port' => $redis->port]);
        array_map(fn (int $n) => event(new Counted($n)), range(1, 40));

        self::assertSame(0, $this->call('hms-sync:relay', ['--once' => true])[0]);

        $commands = $redis->client()->info('commandstats');
        self::assertStringStartsWith('calls=1,', $commands['cmdstat_eval']);
        self::assertArrayNotHasKey('cmdstat_multi', $commands);
        self::assertCount(40, $this->entries($redis->client()));
        $redis->stop();
    }

    #[DataProvider('clients')]
    public function test_a_row_that_redis_refuses_holds_back_its_key_and_nothing_else(string $client): void
    {
        $redis = RedisServer::start('--proto-max-bulk-len', '1mb');
        $this->bootOn('sqlite', ['database.redis.client' => $client, 'database.redis.default.port' => $redis->port]);

        event(new Counted(1, key: 'a'));
        Broadcast::on('inspections.status')->with(['n' => 2, 'photo' => str_repeat('x', 2_000_000)])->send();
        event(new Counted(3, key: 'a'));
        event(new Counted(4));

        $this->asLaravelHandlesErrors(fn () => $this->relay());

        self::assertSame(['{"n":1}', '{"n":3}'], array_column($this->entries($redis->client()), 'data'));
        self::assertSame([2, 1], array_slice(array_values($this->app->make(OutboxStatus::class)->all()[0]), 1, 2));
        self::assertNotNull(DB::table('hms_sync_outbox')->where('attempts', 1)->value('last_error'));

        $redis->client()->config('SET', 'proto-max-bulk-len', '512mb');
        DB::table('hms_sync_outbox')->whereNotNull('retry_at')->update(['retry_at' => '2020-01-01 00:00:00']);
        $this->relay();

        self::assertSame(['{"n":1}', '{"n":3}', '{"n":4}'], array_values(array_filter(
            array_column($this->entries($redis->client()), 'data'), fn (string $data) => strlen($data) < 100
        )));
        self::assertSame('{"n":2', substr(array_column($this->entries($redis->client()), 'data')[2], 0, 6));
        $redis->stop();
    }

    public function test_rows_of_a_bus_that_is_away_do_not_keep_those_of_another_back(): void
    {
        $this->bootOn('sqlite', [
            'broadcasting.connections.second' => ['driver' => 'hms-sync', 'connection' => 'second'],
            'database.redis.second' => ['host' => '127.0.0.1', 'port' => RedisServer::freePort()],
        ]);

        array_map(fn (int $n) => event(new Counted($n, ['second'])), range(1, 5));
        event(new Counted(6));

        self::assertSame(1, $this->call('hms-sync:relay', ['--stop-when-empty' => true, '--batch' => 2])[0]);
        self::assertSame(['{"n":6}'], $this->sent());
    }

    #[DataProvider('clients')]
    public function test_an_outage_of_redis_is_logged_once_and_loses_nothing(string $client): void
    {
        $redis = RedisServer::start();
        $this->bootOn('sqlite', ['database.redis.client' => $client, 'database.redis.default.port' => $redis->port]);
        $relay = $this->startArtisan('hms-sync:relay', '--sleep=0.02');

        event(new Counted(1));
        $this->eventually(fn () => $this->rows()[0]->relayed_at !== null, 'the relay sends');
        $redis->stop();

        array_map(fn (int $n) => event(new Counted($n)), range(2, 30));
        $this->eventually(fn () => str_contains($relay->getErrorOutput(), 'cannot be relayed'), 'the outage is logged');
        $attempts = fn () => (int) DB::table('hms_sync_outbox_locks')->value('until');
        $before = $attempts();
        $this->eventually(fn () => $attempts() > $before + 1_000, 'it is tried again');

        $again = RedisServer::startAt($redis->port) ?? self::fail('the port is taken');
        $this->eventually(fn () => count($this->entries($again->client())) >= 29, 'everything is sent', 60);
        $this->eventually(fn () => str_contains($relay->getErrorOutput(), 'is relayed again'), 'the end of the outage is logged');

        self::assertSame(1, substr_count($relay->getErrorOutput(), 'cannot be relayed'));
        self::assertSame(array_map(fn (int $n) => '{"n":'.$n.'}', range(2, 30)), array_column($this->entries($again->client()), 'data'));

        $this->stop($relay);
        $again->stop();
    }

    public function test_a_relay_that_is_told_to_stop_does_so_at_once_with_exit_code_0(): void
    {
        $this->bootOn('sqlite');
        $relay = $this->startArtisan('hms-sync:relay', '--sleep=60');
        event(new Counted(1));
        $this->eventually(fn () => $this->rows()[0]->relayed_at !== null, 'the relay runs');

        $this->stop($relay);
    }

    public function test_max_time_and_memory_end_a_relay(): void
    {
        $this->bootOn('sqlite');

        $started = microtime(true);
        self::assertSame(0, $this->call('hms-sync:relay', ['--max-time' => 1, '--sleep' => 30])[0]);
        self::assertLessThan(5, microtime(true) - $started);
        self::assertSame(12, $this->call('hms-sync:relay', ['--memory' => 1])[0]);
    }

    public function test_an_order_to_restart_queue_workers_ends_a_relay(): void
    {
        $this->bootOn('sqlite', ['cache.default' => 'file']);
        $relay = $this->start([static::APP.'/artisan', 'hms-sync:relay', '--sleep=0.1'], ['CACHE_STORE' => 'file']);
        event(new Counted(1));
        $this->eventually(fn () => $this->rows()[0]->relayed_at !== null, 'the relay runs');

        $this->start([static::APP.'/artisan', 'queue:restart'], ['CACHE_STORE' => 'file'])->wait();
        $this->eventually(fn () => ! $relay->isRunning(), 'the relay stops');

        self::assertSame(0, $relay->getExitCode());
    }

    #[DataProvider('badOptions')]
    public function test_an_option_that_cannot_be_read_is_named(string $option, string $value): void
    {
        $this->bootOn('sqlite');

        [$status, $output] = $this->call('hms-sync:relay', [$option => $value]);

        self::assertSame(2, $status);
        self::assertStringContainsString("{$option}={$value}", $output);
    }

    /**
     * @return iterable<string, array{string, string}>
     */
    public static function badOptions(): iterable
    {
        yield 'batch' => ['--batch', '0'];
        yield 'sleep' => ['--sleep', 'long'];
        yield 'since' => ['--since', 'the-other-day'];
    }

    #[DataProvider('databases')]
    public function test_a_bus_that_lost_its_redis_is_filled_again_with_the_same_ids(string $database): void
    {
        $this->bootOn($database);
        array_map(fn (int $n) => event(new Counted($n)), range(1, 7));
        $this->relay();
        DB::table('hms_sync_outbox')->where('data', '{"n":1}')->update(['relayed_at' => Date::now('UTC')->subHours(2)->format('Y-m-d H:i:s')]);
        $before = $this->entries();

        $this->redis->del('hms-sync:intake');
        event(new Counted(8));
        [$status, $output] = $this->call('hms-sync:relay', ['--since' => '1h', '--batch' => 3]);

        self::assertSame(0, $status, $output);
        self::assertStringContainsString('Sent 6 rows', $output);
        self::assertSame(array_slice($before, 1), array_slice($this->entries(), 0, 6));
        self::assertSame('{"n":8}', $this->entries()[6]['data']);
    }

    #[DataProvider('databases')]
    public function test_rows_are_deleted_when_they_were_kept_long_enough_and_unsent_ones_never(string $database): void
    {
        $this->bootOn($database, ['hms-sync.outbox' => ['enabled' => true, 'keep_hours' => 24]]);
        array_map(fn (int $n) => event(new Counted($n)), range(1, 3));
        $this->relay();
        event(new Counted(4));

        $old = Date::now('UTC')->subHours(25)->format('Y-m-d H:i:s');
        DB::table('hms_sync_outbox')->whereIn('data', ['{"n":1}', '{"n":2}'])->update(['relayed_at' => $old]);
        DB::table('hms_sync_outbox')->update(['created_at' => $old]);
        DB::table('hms_sync_outbox_locks')->update(['owner' => 'another', 'until' => PHP_INT_MAX]);

        $this->call('hms-sync:relay', ['--once' => true]);

        self::assertSame(['{"n":3}', '{"n":4}'], $this->payloads());
    }

    #[DataProvider('databases')]
    public function test_one_relay_at_a_time_has_the_lease(string $database): void
    {
        $this->bootOn($database);
        [$first, $second] = array_map(fn () => $this->app->make(OutboxConnections::class)->tables()[0]->lease(), [1, 2]);

        self::assertTrue($first->acquire());
        self::assertFalse($second->acquire());
        self::assertTrue($first->renew());
        self::assertFalse($second->renew());
        $second->release();
        self::assertFalse($second->acquire());

        DB::table('hms_sync_outbox_locks')->update(['until' => 0]);
        self::assertTrue($second->acquire());
        (new ReflectionProperty($first, 'since'))->setValue($first, 1); // long ago
        self::assertFalse($first->renew());
        $first->release();
        self::assertFalse($first->acquire());
        $second->release();
        self::assertTrue($first->acquire());
    }

    #[DataProvider('databases')]
    public function test_a_lease_that_was_taken_before_the_clock_of_the_database_was_set_back_holds_nobody_up(string $database): void
    {
        $this->bootOn($database);
        $lease = fn () => $this->app->make(OutboxConnections::class)->tables()[0]->lease();
        $lease()->acquire();
        self::assertFalse($lease()->acquire(), 'while it has not run out');

        DB::table('hms_sync_outbox_locks')->update(['until' => (time() + 3_600) * 1_000]);
        self::assertTrue($lease()->acquire(), 'an hour is longer than any lease');
        self::assertFalse($lease()->acquire(), 'the new one counts');
    }

    #[DataProvider('databases')]
    public function test_two_relays_under_load_of_which_one_is_killed_lose_nothing_and_keep_the_order_of_each_key(string $database): void
    {
        $this->bootOn($database);
        $relays = [$this->startArtisan('hms-sync:relay', '--sleep=0.01', '--batch=7'), $this->startArtisan('hms-sync:relay', '--sleep=0.01', '--batch=5')];
        $writers = array_map(fn (string $key) => $this->start([__DIR__.'/write.php', $key, '150']), ['a', 'b']);

        $this->eventually(fn () => count($this->entries()) > 40, 'the relays send');
        $relays[0]->signal(SIGKILL);

        foreach ($writers as $writer) {
            self::assertSame(0, $writer->wait(), $writer->getErrorOutput().$writer->getOutput());
        }

        $this->eventually(fn () => DB::table('hms_sync_outbox')->whereNull('relayed_at')->doesntExist(), 'everything is sent', 60);

        $first = [];

        foreach ($this->entries() as $entry) {
            $first[$entry['id']] ??= $entry;
        }

        foreach (['a', 'b'] as $key) {
            self::assertSame(range(1, 150), array_values(array_map(
                fn (array $entry) => json_decode($entry['data'])->n,
                array_filter($first, fn (array $entry) => json_decode($entry['data'])->key === $key)
            )), "the order of key {$key}");
        }

        $this->stop($relays[1]);
    }

    public function test_a_row_written_while_another_process_relays_is_not_left_behind(): void
    {
        $this->bootOn('sqlite');

        $table = $this->app->make(OutboxConnections::class)->tables()[0];
        $table->lease()->acquire();
        event(new CountedNow(1));
        self::assertSame([], $this->entries());

        DB::table('hms_sync_outbox_locks')->update(['until' => 0]);
        event(new CountedNow(2));
        self::assertSame(['{"n":1}', '{"n":2}'], $this->sent());
    }

    public function test_what_waits_is_shown(): void
    {
        $this->bootOn('sqlite');
        event(new Counted(1));
        event(new Counted(2));
        DB::table('hms_sync_outbox')->where('id', 1)->update(['created_at' => Date::now('UTC')->subMinutes(2)->format('Y-m-d H:i:s')]);
        $status = $this->app->make(OutboxStatus::class);

        self::assertSame(2, $status->unsent());
        self::assertEqualsWithDelta(120, $status->oldestSeconds(), 2);

        [$code, $output] = $this->call('hms-sync:outbox', ['--json' => true, '--max-age' => 300]);
        self::assertSame(0, $code);
        self::assertSame(2, json_decode($output)[0]->unsent);
        self::assertSame(1, $this->call('hms-sync:outbox', ['--max-age' => 60])[0]);

        $this->relay();
        self::assertSame(0, $status->unsent());
        self::assertNull($status->oldestSeconds());
        self::assertSame(0, $this->call('hms-sync:outbox', ['--max-age' => 60])[0]);
        self::assertStringContainsString('sqlite', $this->call('hms-sync:outbox')[1]);

        DB::connection()->getSchemaBuilder()->drop('hms_sync_outbox');
        self::assertSame(1, $this->call('hms-sync:outbox')[0]);
    }

    /**
     * @return iterable<string, array{string}>
     */
    public static function clients(): iterable
    {
        yield 'phpredis' => ['phpredis'];
        yield 'predis' => ['predis'];
    }

    /**
     * With notices as exceptions. phpredis gives one when Redis breaks off a connection before it has read everything.
     */
    private function asLaravelHandlesErrors(callable $work): void
    {
        set_error_handler(fn (int $level, string $message) => throw new ErrorException($message, 0, $level));

        try {
            $work();
        } finally {
            restore_error_handler();
        }
    }

    private function stop(Process $relay): void
    {
        $started = microtime(true);
        $relay->signal(SIGTERM);

        self::assertSame(0, $relay->wait(), $relay->getErrorOutput());
        self::assertLessThan(3, microtime(true) - $started);
    }
}
