<?php

namespace HmsSync\Tests\Inbox;

use HmsSync\Events\EnvelopeReceived;
use HmsSync\Inbound\EnvelopeHandler;
use HmsSync\Tests\Support\MariaDbServer;
use HmsSync\Tests\Support\PostgresServer;
use HmsSync\Tests\TestCase;
use Illuminate\Contracts\Console\Kernel;
use Illuminate\Database\Connection;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Event;
use RuntimeException;
use Symfony\Component\Process\InputStream;
use Symfony\Component\Process\Process;
use Throwable;

/**
 * Boots the application on a real database, where listeners leave their effects in the table "inspections".
 */
abstract class InboxTestCase extends TestCase
{
    /** @var list<string> */
    private array $databases = [];

    /** @var list<Process> */
    private array $processes = [];

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
        yield 'MySQL driver' => ['mysql'];
        yield 'PostgreSQL' => ['pgsql'];
    }

    /**
     * Boot the application with a migrated database of its own.
     *
     * @param  array<string, mixed>  $config
     */
    protected function bootOn(string $driver, array $config = []): void
    {
        $this->boot([
            'database.default' => $driver,
            "database.connections.{$driver}" => $this->freshDatabase($driver),
            'queue.default' => 'database',
            ...$config,
        ]);

        $this->artisanCall('migrate', ['--force' => true]);
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
                'prefix' => '', 'busy_timeout' => 10_000, 'journal_mode' => 'WAL', 'synchronous' => 'off',
            ],
            default => throw new RuntimeException("no such database: {$driver}"),
        };
    }

    /**
     * Have nothing but this listen to events of unmapped topics.
     *
     * @param  callable(EnvelopeReceived): mixed  ...$listeners
     */
    protected function listen(callable ...$listeners): void
    {
        Event::forget(EnvelopeReceived::class);

        foreach ($listeners as $listener) {
            Event::listen(EnvelopeReceived::class, fn (EnvelopeReceived $event) => $listener($event));
        }
    }

    /**
     * What a listener of these tests does: the effect of the event.
     */
    protected function effect(EnvelopeReceived $event, ?string $connection = null): void
    {
        DB::connection($connection)->table('inspections')->insert(['status' => substr($event->envelope->id, 0, 200)]);
    }

    protected function handle(string $envelope): void
    {
        $this->app->make(EnvelopeHandler::class)->handle($envelope);
    }

    /**
     * Handle what must fail, and see that no transaction remains.
     */
    protected function failing(string $envelope): Throwable
    {
        try {
            $this->handle($envelope);
        } catch (Throwable $e) {
            self::assertSame(0, $this->connection()->transactionLevel());
            self::assertNotNull($this->connection()->selectOne('select 1')); // Connects again when the connection was closed.
            self::assertFalse($this->connection()->getPdo()->inTransaction());
            self::assertSame([], $this->app->make('db.transactions')->getPendingTransactions()->all());

            return $e;
        }

        self::fail('it did not fail');
    }

    /**
     * The ids of the events that had their effect, in order.
     *
     * @return list<string>
     */
    protected function effects(): array
    {
        return array_values(DB::table('inspections')->orderBy('id')->pluck('status')->all());
    }

    /**
     * The ids of the events in the inbox.
     *
     * @return list<string>
     */
    protected function inbox(): array
    {
        return array_values(DB::table('hms_sync_inbox')->orderBy('event_id')->pluck('event_id')->all());
    }

    protected function connection(): Connection
    {
        return $this->app->make('db')->connection();
    }

    /**
     * Run an artisan command in this process.
     *
     * @param  array<string, mixed>  $options
     * @return array{int, string}
     */
    protected function artisanCall(string $command, array $options = []): array
    {
        $kernel = $this->app->make(Kernel::class);

        return [$kernel->call($command, $options), $kernel->output()];
    }

    /**
     * Handle an envelope in a process of its own, on the same database, up to a step at which it is killed or, with
     * "hold", waits for a line.
     */
    protected function process(string $envelope, string $step = 'end', ?InputStream $input = null): Process
    {
        $name = config('database.default');
        $database = config("database.connections.{$name}");

        $process = $this->processes[] = new Process([PHP_BINARY, __DIR__.'/handle.php', $step, $envelope], env: [
            'DB_CONNECTION' => $name,
            'DB_DATABASE' => $database['database'],
            'DB_PORT' => (string) ($database['port'] ?? ''),
            'DB_USERNAME' => $database['username'] ?? '',
            'DB_PASSWORD' => $database['password'] ?? '',
            'LOG_CHANNEL' => 'stderr',
            'QUEUE_CONNECTION' => 'database',
        ], input: $input, timeout: 60);

        $process->start();

        return $process;
    }
}
