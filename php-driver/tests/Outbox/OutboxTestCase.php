<?php

namespace HmsSync\Tests\Outbox;

use HmsSync\Outbox\Outbox;
use HmsSync\Tests\Support\MariaDbServer;
use HmsSync\Tests\Support\PostgresServer;
use HmsSync\Tests\TestCase;
use Illuminate\Contracts\Console\Kernel;
use Illuminate\Support\Facades\DB;
use RuntimeException;
use stdClass;
use Symfony\Component\Process\Process;

/**
 * Boots the application with the outbox on a real database.
 */
abstract class OutboxTestCase extends TestCase
{
    /** @var list<string> */
    private array $databases = [];

    /** @var list<Process> */
    private array $processes = [];

    /** @var array<string, mixed> */
    private array $lines = [];

    protected function tearDown(): void
    {
        foreach ($this->processes as $process) {
            $process->stop(0);
        }

        parent::tearDown();

        foreach ($this->databases as $file) {
            array_map(unlink(...), glob($file.'*') ?: []);
        }
    }

    /**
     * @return iterable<string, array{string}>
     */
    public static function databases(): iterable
    {
        yield 'SQLite' => ['sqlite'];
        yield 'MariaDB' => ['mariadb'];
        yield 'PostgreSQL' => ['pgsql'];
    }

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
        $this->app->make(Kernel::class)->call('migrate', array_filter(['--force' => true, '--database' => $connection]));
    }

    /**
     * The lines of config/database.php that lead to an empty database.
     *
     * @return array<string, mixed>
     */
    protected function freshDatabase(string $driver): array
    {
        return match ($driver) {
            'mariadb' => MariaDbServer::shared()->freshDatabase(),
            'mysql' => [...MariaDbServer::shared()->freshDatabase(), 'driver' => 'mysql'],
            'pgsql' => PostgresServer::shared()->freshDatabase(),
            'sqlite' => [
                'driver' => 'sqlite', 'database' => $this->databases[] = (string) tempnam(sys_get_temp_dir(), 'hms-sync'),
                'prefix' => '', 'foreign_key_constraints' => true, 'busy_timeout' => 10_000, 'journal_mode' => 'WAL', 'synchronous' => 'off',
            ],
            default => throw new RuntimeException("no such database: {$driver}"),
        };
    }

    /**
     * The variables by which a process finds the same database and Redis.
     *
     * @return array<string, string>
     */
    protected function env(): array
    {
        $database = config('database.default');
        $connection = config("database.connections.{$database}");

        return [
            'BROADCAST_CONNECTION' => 'hms-sync',
            'DB_CONNECTION' => $database,
            'DB_DATABASE' => $connection['database'],
            'DB_PORT' => (string) ($connection['port'] ?? ''),
            'DB_USERNAME' => $connection['username'] ?? '',
            'DB_PASSWORD' => $connection['password'] ?? '',
            'HMS_SYNC_OUTBOX' => 'true',
            'LOG_CHANNEL' => 'stderr',
            'QUEUE_CONNECTION' => 'sync',
            'REDIS_CLIENT' => config('database.redis.client'),
            'REDIS_PORT' => (string) config('database.redis.default.port'),
        ];
    }

    /**
     * Start a process that is ended with the test.
     *
     * @param  list<string>  $command
     * @param  array<string, string>  $env
     */
    protected function start(array $command, array $env = []): Process
    {
        $process = $this->processes[] = new Process([PHP_BINARY, ...$command], env: [...$this->env(), ...$env], timeout: 120);
        $process->start();

        return $process;
    }

    /**
     * Start an artisan command.
     */
    protected function startArtisan(string ...$command): Process
    {
        return $this->start([static::APP.'/artisan', ...array_values($command), '--no-ansi']);
    }

    /**
     * Run an artisan command in this process.
     *
     * @param  array<string, mixed>  $options
     * @return array{int, string}
     */
    protected function call(string $command, array $options = []): array
    {
        $kernel = $this->app->make(Kernel::class);

        return [$kernel->call($command, $options), $kernel->output()];
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
