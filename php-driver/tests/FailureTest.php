<?php

namespace HmsSync\Tests;

use HmsSync\Tests\Fixtures\Reading;
use HmsSync\Tests\Support\RedisServer;
use Illuminate\Redis\Connections\PhpRedisConnection;
use Illuminate\Redis\Connections\PredisConnection;
use Illuminate\Support\Facades\Redis;
use JsonException;
use PHPUnit\Framework\Attributes\DataProvider;
use Throwable;

class FailureTest extends TestCase
{
    #[DataProvider('clients')]
    public function test_a_redis_that_cannot_be_reached_throws_with_the_cause(string $client): void
    {
        $this->boot(['database.redis.client' => $client, 'database.redis.default.port' => RedisServer::freePort()]);

        $failure = $this->failure(fn () => event(new Reading));

        self::assertStringContainsString('Connection refused', $failure->getMessage());
        self::assertStringContainsString('[database.redis.hms-sync]', $failure->getMessage());
        self::assertInstanceOf(Throwable::class, $failure->getPrevious());
    }

    #[DataProvider('clients')]
    public function test_a_redis_that_goes_away_throws_and_is_found_again(string $client): void
    {
        $server = RedisServer::start();
        $this->boot(['database.redis.client' => $client, 'database.redis.default.port' => $server->port]);

        event(new Reading);
        $server->stop();

        self::assertNotNull($this->failure(fn () => event(new Reading))->getPrevious());

        $again = RedisServer::startAt($server->port) ?? self::fail('the port is taken');
        event(new Reading);

        self::assertCount(1, $this->entries($again->client()));
        $again->stop();
    }

    #[DataProvider('clients')]
    public function test_a_key_of_another_type_throws_with_what_redis_said(string $client): void
    {
        $this->boot(['database.redis.client' => $client]);
        $this->redis->set('hms-sync:intake', 'not a stream');

        $failure = $this->failure(fn () => event(new Reading));

        self::assertStringContainsString('WRONGTYPE', $failure->getMessage());
        self::assertStringContainsString('WRONGTYPE', $failure->getPrevious()?->getMessage() ?? '');
    }

    #[DataProvider('clients')]
    public function test_a_redis_out_of_memory_throws(string $client): void
    {
        $server = RedisServer::start('--maxmemory', '1', '--maxmemory-policy', 'noeviction');
        $this->boot(['database.redis.client' => $client, 'database.redis.default.port' => $server->port]);

        self::assertStringContainsString('OOM', $this->failure(fn () => event(new Reading))->getMessage());

        $server->stop();
    }

    #[DataProvider('clients')]
    public function test_a_broadcast_inside_a_multi_of_the_application_is_stored_at_once_and_leaves_it_alone(string $client): void
    {
        $this->boot(['database.redis.client' => $client]);

        $connection = Redis::connection();
        self::assertTrue($connection instanceof PhpRedisConnection || $connection instanceof PredisConnection);

        $results = $connection->transaction(function ($transaction) {
            $transaction->set('a', '1');
            event(new Reading);
            self::assertCount(1, $this->entries());
            $transaction->set('b', '2');
        });

        self::assertSame(2, count((array) $results));
        self::assertCount(1, $this->entries());
    }

    public function test_a_broadcast_over_a_connection_inside_multi_throws(): void
    {
        $this->boot(['broadcasting.connections.hms-sync' => ['driver' => 'hms-sync', 'connection' => 'default']]);
        Redis::connection()->client()->multi();

        $failure = $this->failure(fn () => event(new Reading));

        self::assertStringContainsString('instead of a stream id', $failure->getMessage());
        Redis::connection()->client()->discard();
    }

    #[DataProvider('clients')]
    public function test_a_connection_that_is_not_configured_throws_its_name(string $client): void
    {
        $this->boot([
            'database.redis.client' => $client,
            'broadcasting.connections.hms-sync' => ['driver' => 'hms-sync', 'connection' => 'elsewhere'],
        ]);

        self::assertStringContainsString('[database.redis.elsewhere]', $this->failure(fn () => event(new Reading))->getMessage());
    }

    #[DataProvider('unencodable')]
    public function test_what_json_cannot_say_throws_with_its_path_and_writes_nothing(mixed $value, string $path, string $remedy): void
    {
        $failure = $this->failure(fn () => event(new Reading(['n' => 1, 'note' => $value])));

        self::assertStringContainsString("event [reading] cannot be broadcast: {$path} cannot be encoded", $failure->getMessage());
        self::assertStringContainsString($remedy, $failure->getMessage());
        self::assertInstanceOf(JsonException::class, $failure->getPrevious());
        self::assertSame([], $this->entries());
    }

    /**
     * @return iterable<string, array{mixed, string, string}>
     */
    public static function unencodable(): iterable
    {
        $recursive = new \stdClass;
        $recursive->self = $recursive;

        yield 'bad UTF-8' => ["\xff", 'data.note', 'Convert it to UTF-8'];
        yield 'bad UTF-8 deep inside' => [(object) ['list' => ['ok', ['a' => "\xff"]]], 'data.note.list.1.a', 'UTF-8'];
        yield 'INF' => [INF, 'data.note', 'finite number'];
        yield 'NAN' => [[1.0, NAN], 'data.note.1', 'finite number'];
        yield 'recursion' => [$recursive, 'data.note', 'broadcastWith()'];
        yield 'resource' => [STDERR, 'data.note', 'plain values'];
    }

    public function test_a_channel_name_that_is_not_utf8_throws(): void
    {
        self::assertStringContainsString(
            'channels.1 cannot be encoded',
            $this->failure(fn () => event(new Reading(channels: ['a', "b\xff"])))->getMessage()
        );
    }

    public function test_an_event_name_the_bus_would_reject_throws(): void
    {
        foreach (['', "a\0b", "b\xff", str_repeat('x', 513)] as $name) {
            self::assertStringContainsString(
                'Give the event a broadcastAs()',
                $this->failure(fn () => event(new Reading(name: $name)))->getMessage()
            );
        }

        self::assertSame([], $this->entries());
    }

    public function test_no_error_shows_the_payload(): void
    {
        $this->redis->set('hms-sync:intake', 'not a stream');

        $failures = [
            $this->failure(fn () => event(new Reading(['secret' => 'hunter2']))),
            $this->failure(fn () => event(new Reading(['secret' => "hunter2\xff"]))),
        ];

        foreach ($failures as $failure) {
            self::assertStringNotContainsString('hunter2', $failure->getMessage().$failure->getPrevious()?->getMessage());
        }
    }

    /**
     * @return iterable<string, array{string}>
     */
    public static function clients(): iterable
    {
        yield 'phpredis' => ['phpredis'];
        yield 'predis' => ['predis'];
    }
}
