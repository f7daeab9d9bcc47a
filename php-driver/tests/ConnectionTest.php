<?php

namespace HmsSync\Tests;

use HmsSync\Redis\DefaultConnection;
use HmsSync\Tests\Fixtures\Reading;
use HmsSync\Tests\Support\RedisServer;
use Illuminate\Redis\Connections\Connection;
use Illuminate\Support\Facades\Broadcast;
use Illuminate\Support\Facades\Redis;
use Illuminate\Support\ServiceProvider;
use PHPUnit\Framework\Attributes\DataProvider;

class ConnectionTest extends TestCase
{
    public function test_one_line_of_env_is_all_that_an_application_sets(): void
    {
        self::assertArrayNotHasKey('hms-sync', require static::APP.'/config/broadcasting.php');

        $this->artisan(['inspections:complete', '42'], ['BROADCAST_CONNECTION' => 'hms-sync']);

        self::assertCount(1, $this->entries());
    }

    public function test_the_driver_has_a_redis_connection_of_its_own(): void
    {
        event(new Reading);

        self::assertNotSame(Redis::connection()->client(), Redis::connection('hms-sync')->client());
        self::assertNotSame(
            Redis::connection()->client()->rawCommand('CLIENT', 'ID'),
            Redis::connection('hms-sync')->client()->rawCommand('CLIENT', 'ID'),
        );
    }

    #[DataProvider('clients')]
    public function test_persistent_connections_are_not_shared_with_the_application(string $client): void
    {
        $this->boot(['database.redis.client' => $client, 'database.redis.default.persistent' => true]);

        event(new Reading);

        $connections = [Redis::connection(), Redis::connection('hms-sync')];
        $raw = $client === 'predis' ? ['executeRaw', [['CLIENT', 'ID']]] : ['rawCommand', ['CLIENT', 'ID']];

        $ids = array_map(fn (Connection $connection) => $connection->command(...$raw), $connections);
        array_map(fn (Connection $connection) => $connection->command($client === 'predis' ? 'disconnect' : 'close'), $connections);

        self::assertNotSame($ids[0], $ids[1]);
    }

    public function test_connections_the_application_defines_are_left_alone(): void
    {
        $own = ['host' => '127.0.0.1', 'port' => RedisServer::shared()->port, 'database' => 3];

        $this->boot([
            'database.redis.hms-sync' => $own,
            'broadcasting.connections.hms-sync' => ['driver' => 'hms-sync'],
        ]);
        event(new Reading);

        self::assertSame($own, config('database.redis.hms-sync'));
        self::assertSame(['driver' => 'hms-sync'], config('broadcasting.connections.hms-sync'));
        $this->redis->select(3);
        self::assertCount(1, $this->entries());
    }

    public function test_the_default_connection_is_followed_when_it_is_a_url(): void
    {
        $this->boot(['database.redis.default' => ['url' => 'redis://127.0.0.1:'.RedisServer::shared()->port.'/2', 'port' => 1]]);

        event(new Reading);

        $this->redis->select(2);
        self::assertCount(1, $this->entries());
    }

    #[DataProvider('clients')]
    public function test_the_bus_may_have_a_redis_that_is_not_the_applications(string $client): void
    {
        $this->boot([
            'database.redis.client' => $client,
            'database.redis.default.port' => RedisServer::freePort(),
            'hms-sync.redis_url' => 'redis://127.0.0.1:'.RedisServer::shared()->port,
        ]);

        event(new Reading);

        self::assertCount(1, $this->entries());
    }

    public function test_a_sentinel_address_of_the_sidecar_is_refused_with_the_remedy(): void
    {
        $this->boot(['hms-sync.redis_url' => 'redis+sentinel://:secret@s1:26379,s2:26379/mymaster']);

        $failure = $this->failure(fn () => event(new Reading));

        self::assertStringContainsString('[redis+sentinel] addresses', $failure->getMessage());
        self::assertStringContainsString('"hms-sync" under "redis" in config/database.php', $failure->getMessage());
        self::assertStringNotContainsString('secret', $failure->getMessage());
    }

    /**
     * @param  array<string, mixed>  $redis
     * @param  array<string, mixed>  $expected
     */
    #[DataProvider('redisConfigurations')]
    public function test_the_own_connection_is_derived_from_the_default_one(array $redis, array $expected): void
    {
        self::assertEquals($expected, (new DefaultConnection)->addTo($redis));
    }

    /**
     * @return iterable<string, array{array<string, mixed>, array<string, mixed>}>
     */
    public static function redisConfigurations(): iterable
    {
        $host = ['host' => 'a', 'port' => 1];
        $sentinels = ['tcp://s1:26379', 'tcp://s2:26379', 'options' => ['replication' => 'sentinel', 'service' => 'm']];

        yield 'none' => [[], []];
        $own = [...$host, 'read_timeout' => 5.0];

        yield 'a host' => [['default' => $host], ['default' => $host, 'hms-sync' => $own]];
        yield 'a time limit of the application' => [
            ['default' => [...$host, 'read_timeout' => 30]], ['default' => [...$host, 'read_timeout' => 30], 'hms-sync' => [...$host, 'read_timeout' => 30]],
        ];
        yield 'sentinels of Predis' => [['default' => $sentinels], ['default' => $sentinels, 'hms-sync' => $sentinels]];
        yield 'a cluster' => [
            ['clusters' => ['default' => [$host]]], ['clusters' => ['default' => [$host], 'hms-sync' => [$host]]],
        ];
        yield 'a cluster of its own' => [
            ['default' => $host, 'clusters' => ['hms-sync' => [$host]]],
            ['default' => $host, 'clusters' => ['hms-sync' => [$host]]],
        ];
        yield 'parameters of Predis' => [
            ['default' => $host, 'options' => ['parameters' => ['default' => ['password' => 'p']]]],
            ['default' => $host, 'hms-sync' => $own, 'options' => ['parameters' => ['default' => ['password' => 'p'], 'hms-sync' => ['password' => 'p']]]],
        ];
    }

    public function test_the_configuration_file_can_be_published(): void
    {
        $published = ServiceProvider::pathsToPublish(null, 'hms-sync-config');

        self::assertSame([$this->app->configPath('hms-sync.php')], array_values($published));
        self::assertFileExists((string) array_key_first($published));
    }

    public function test_the_driver_can_be_asked_for_beside_another_default(): void
    {
        $this->boot(['broadcasting.default' => 'null']);

        event(new Reading(connections: ['hms-sync']));
        Broadcast::on('inspections.status')->via('hms-sync')->sendNow();

        self::assertCount(2, $this->entries());
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
