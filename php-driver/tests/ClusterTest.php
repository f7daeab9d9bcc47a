<?php

namespace HmsSync\Tests;

use HmsSync\Tests\Fixtures\Reading;
use HmsSync\Tests\Support\RedisServer;
use PHPUnit\Framework\Attributes\DataProvider;
use Redis;

class ClusterTest extends TestCase
{
    private const SLOTS = 16384;

    private static RedisServer $first;

    private static RedisServer $second;

    public static function setUpBeforeClass(): void
    {
        self::$first = self::clusterNode();
        self::$second = self::clusterNode();
        self::form(self::$first->client(), self::$second->client());
    }

    public static function tearDownAfterClass(): void
    {
        self::$first->stop();
        self::$second->stop();
    }

    protected function setUp(): void
    {
        parent::setUp();

        self::$first->client()->flushAll();
        self::$second->client()->flushAll();
    }

    /**
     * @param  array<string, mixed>  $options
     */
    #[DataProvider('options')]
    public function test_a_redis_cluster_stores_the_entry_under_the_literal_key(string $client, array $options): void
    {
        $this->boot([
            'database.redis.client' => $client,
            'database.redis.options' => ['cluster' => 'redis', ...$options],
            'database.redis.default' => null,
            'database.redis.clusters' => ['default' => [['host' => '127.0.0.1', 'port' => self::$first->port]]],
        ]);

        event(new Reading);
        event(new Reading(['n' => 2]));

        $owner = $this->ownerOfTheStream();

        self::assertSame(['hms-sync:intake'], $owner->client()->keys('*'));
        self::assertSame(['{"n":1}', '{"n":2}'], array_column($this->entries($owner->client()), 'data'));
    }

    /**
     * @return iterable<string, array{string, array<string, mixed>}>
     */
    public static function options(): iterable
    {
        foreach (['none' => '', 'plain' => 'hms_database_', 'braces' => '{hms}:', 'braces of the other node' => '{b}:'] as $name => $prefix) {
            yield "phpredis, prefix {$name}" => ['phpredis', ['prefix' => $prefix, 'serializer' => Redis::SERIALIZER_PHP]];
            yield "predis, prefix {$name}" => ['predis', ['prefix' => $prefix]];
        }
    }

    private static function clusterNode(): RedisServer
    {
        return RedisServer::start(
            '--cluster-enabled', 'yes', '--cluster-require-full-coverage', 'no',
        );
    }

    /**
     * Give each of two nodes half of the slots and wait until both agree.
     */
    private static function form(Redis $first, Redis $second): void
    {
        $half = intdiv(self::SLOTS, 2);

        $first->rawCommand('CLUSTER', 'ADDSLOTSRANGE', '0', (string) ($half - 1));
        $second->rawCommand('CLUSTER', 'ADDSLOTSRANGE', (string) $half, (string) (self::SLOTS - 1));
        $second->rawCommand('CLUSTER', 'SET-CONFIG-EPOCH', '2');
        $first->rawCommand('CLUSTER', 'MEET', '127.0.0.1', (string) self::$second->port);

        $deadline = microtime(true) + 20;

        while (! self::knowsBothNodes($first) || ! self::knowsBothNodes($second)) {
            self::assertLessThan($deadline, microtime(true), 'the cluster did not form');
            usleep(20_000);
        }
    }

    private static function knowsBothNodes(Redis $node): bool
    {
        $slots = $node->rawCommand('CLUSTER', 'SLOTS');

        return is_array($slots) && count($slots) === 2
            && str_contains((string) $node->rawCommand('CLUSTER', 'INFO'), 'cluster_state:ok');
    }

    private function ownerOfTheStream(): RedisServer
    {
        $slot = self::$first->client()->rawCommand('CLUSTER', 'KEYSLOT', 'hms-sync:intake');

        return $slot < intdiv(self::SLOTS, 2) ? self::$first : self::$second;
    }
}
