<?php

namespace HmsSync\Tests;

use HmsSync\Tests\Support\RedisServer;
use Illuminate\Broadcasting\BroadcastException;
use Illuminate\Container\Container;
use Illuminate\Contracts\Console\Kernel;
use Illuminate\Foundation\Application;
use Illuminate\Foundation\Bootstrap\BootProviders;
use Illuminate\Foundation\Bootstrap\LoadConfiguration;
use Illuminate\Foundation\Bootstrap\LoadEnvironmentVariables;
use Illuminate\Foundation\Bootstrap\RegisterFacades;
use Illuminate\Foundation\Bootstrap\RegisterProviders;
use Illuminate\Queue\WorkerOptions;
use Illuminate\Support\Facades\Facade;
use PHPUnit\Framework\TestCase as PHPUnitTestCase;
use Redis;
use Symfony\Component\Process\Process;

/**
 * Boots the application of test/laravel-app against a real Redis.
 */
abstract class TestCase extends PHPUnitTestCase
{
    protected const APP = __DIR__.'/../../test/laravel-app';

    protected Application $app;

    protected Redis $redis;

    /** @var list<string> */
    private array $files = [];

    protected function setUp(): void
    {
        $this->redis = RedisServer::shared()->client();
        $this->redis->flushAll();
        $this->boot();
    }

    protected function tearDown(): void
    {
        $this->shutDown();
        $this->redis->close();
        array_map(unlink(...), array_filter($this->files, is_file(...)));
    }

    /**
     * Boot the application anew, with lines of its configuration replaced.
     *
     * @param  array<string, mixed>  $config
     */
    protected function boot(array $config = []): Application
    {
        if (isset($this->app)) {
            $this->shutDown();
        }

        $this->app = require static::APP.'/bootstrap/app.php';

        $this->app->afterBootstrapping(LoadConfiguration::class, fn (Application $app) => $app->make('config')->set([
            'broadcasting.default' => 'hms-sync',
            'database.redis.default.port' => RedisServer::shared()->port,
            'logging.default' => 'null',
            ...$config,
        ]));

        // All bootstrappers of Laravel but the one that takes PHPUnit's error handlers away.
        $this->app->bootstrapWith([
            LoadEnvironmentVariables::class, LoadConfiguration::class, RegisterFacades::class,
            RegisterProviders::class, BootProviders::class,
        ]);

        return $this->app;
    }

    private function shutDown(): void
    {
        $this->app->flush();
        Facade::clearResolvedInstances();
        Container::setInstance(null);
    }

    /**
     * Boot the application with a database queue in a database of its own.
     *
     * @param  array<string, mixed>  $config
     */
    protected function bootWithDatabaseQueue(array $config = []): string
    {
        $database = $this->files[] = (string) tempnam(sys_get_temp_dir(), 'hms-sync');
        array_push($this->files, $database.'-wal', $database.'-shm');

        $this->boot([
            'queue.default' => 'database',
            'database.connections.sqlite.database' => $database,
            ...$config,
        ]);

        $this->app->make(Kernel::class)->call('migrate', ['--force' => true]);

        return $database;
    }

    /**
     * Work on the next job of the database queue in this process.
     */
    protected function work(int $tries = 1): void
    {
        $this->app->make('queue.worker')->runNextJob(
            'database', 'default', new WorkerOptions(sleep: 0, maxTries: $tries)
        );
    }

    /**
     * Run an artisan command in a process of its own.
     *
     * @param  list<string>  $command
     * @param  array<string, string>  $env
     */
    protected function artisan(array $command, array $env = []): string
    {
        $process = new Process([PHP_BINARY, static::APP.'/artisan', ...$command, '--no-ansi'], env: [
            'BROADCAST_CONNECTION' => 'hms-sync',
            'LOG_CHANNEL' => 'stderr',
            'REDIS_PORT' => (string) RedisServer::shared()->port,
            ...$env,
        ]);

        return $process->mustRun()->getOutput();
    }

    /**
     * Everything in the intake stream, as the bytes Redis holds.
     *
     * @return list<array<string, string>>
     */
    protected function entries(?Redis $redis = null): array
    {
        return array_values(($redis ?? $this->redis)->xRange('hms-sync:intake', '-', '+'));
    }

    /**
     * The one entry there is.
     *
     * @return array<string, string>
     */
    protected function onlyEntry(): array
    {
        $entries = $this->entries();

        self::assertCount(1, $entries, 'the stream has not exactly one entry');

        return $entries[0];
    }

    /**
     * The ids in the intake stream, by payload.
     *
     * @return list<string>
     */
    protected function ids(?string $data = null): array
    {
        $entries = array_filter($this->entries(), fn (array $entry) => $data === null || $entry['data'] === $data);

        return array_column($entries, 'id');
    }

    /**
     * Run what must fail to broadcast.
     */
    protected function failure(callable $broadcast): BroadcastException
    {
        try {
            $broadcast();
        } catch (BroadcastException $e) {
            return $e;
        }

        self::fail('no BroadcastException was thrown');
    }
}
