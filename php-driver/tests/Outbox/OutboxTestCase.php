<?php

namespace HmsSync\Tests\Outbox;

use HmsSync\Outbox\Outbox;
use HmsSync\Tests\Support\OnRealDatabases;
use HmsSync\Tests\TestCase;
use Illuminate\Support\Facades\DB;
use stdClass;
use Symfony\Component\Process\Process;

/**
 * Boots the application with the outbox on a real database.
 */
abstract class OutboxTestCase extends TestCase
{
    use OnRealDatabases {
        env as private databaseEnv;
    }

    /** @var array<string, mixed> */
    private array $lines = [];

    /**
     * Boot the application with a migrated database of its own.
     *
     * @param  array<string, mixed>  $config
     */
    protected function bootOn(string $database, array $config = []): void
    {
        $this->lines = [
            'database.default' => $database,
            "database.connections.{$database}" => $this->freshDatabase($database),
            'hms-sync.outbox' => ['enabled' => true],
            'queue.default' => 'database',
        ];

        $this->boot([...$this->lines, ...$config]);
        $this->migrate();
    }

    /**
     * Boot the application anew on the database it has.
     *
     * @param  array<string, mixed>  $config
     */
    protected function bootAgain(array $config = []): void
    {
        $this->boot([...$this->lines, ...$config]);
    }

    protected function migrate(?string $connection = null): void
    {
        $this->call('migrate', array_filter(['--force' => true, '--database' => $connection]));
    }

    /**
     * The variables by which a process finds the same database and Redis.
     *
     * @return array<string, string>
     */
    protected function env(): array
    {
        return [
            ...$this->databaseEnv(),
            'BROADCAST_CONNECTION' => 'hms-sync',
            'HMS_SYNC_OUTBOX' => 'true',
            'QUEUE_CONNECTION' => 'sync',
            'REDIS_CLIENT' => config('database.redis.client'),
            'REDIS_PORT' => (string) config('database.redis.default.port'),
        ];
    }

    /**
     * Start an artisan command.
     */
    protected function startArtisan(string ...$command): Process
    {
        return $this->start([static::APP.'/artisan', ...array_values($command), '--no-ansi']);
    }

    protected function relay(): void
    {
        [$status, $output] = $this->call('hms-sync:relay', ['--stop-when-empty' => true]);

        self::assertSame(0, $status, $output);
    }

    /**
     * The rows of the outbox, the oldest first.
     *
     * @return list<stdClass>
     */
    protected function rows(): array
    {
        return array_values(DB::table('hms_sync_outbox')->orderBy('id')->get()->all());
    }

    /**
     * The payloads in the outbox.
     *
     * @return list<string>
     */
    protected function payloads(): array
    {
        return array_column($this->rows(), 'data');
    }

    /**
     * The payloads that reached the bus.
     *
     * @return list<string>
     */
    protected function sent(): array
    {
        return array_column($this->entries(), 'data');
    }

    /**
     * Wait until something is so.
     *
     * @param  callable(): bool  $condition
     */
    protected function eventually(callable $condition, string $what, float $seconds = 30): void
    {
        $deadline = microtime(true) + $seconds;

        while (! $condition()) {
            microtime(true) < $deadline ? usleep(10_000) : self::fail("it did not happen within {$seconds} s that {$what}");
        }
    }

    /**
     * End the request that this process stands for.
     */
    protected function terminate(): void
    {
        $this->app->terminate();
    }

    protected function outbox(): Outbox
    {
        return $this->app->make(Outbox::class);
    }
}
