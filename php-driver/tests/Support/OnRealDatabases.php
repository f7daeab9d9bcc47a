<?php

namespace HmsSync\Tests\Support;

use Illuminate\Contracts\Console\Kernel;
use RuntimeException;
use Symfony\Component\Process\InputStream;
use Symfony\Component\Process\Process;

/**
 * Gives a test databases of its own and processes on them, and ends both with it.
 *
 * @mixin \HmsSync\Tests\TestCase
 */
trait OnRealDatabases
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
        yield 'PostgreSQL' => ['pgsql'];
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

    /**
     * Start PHP on the default database of this test.
     *
     * @param  list<string>  $command
     * @param  array<string, string>  $env
     */
    protected function start(array $command, array $env = [], ?InputStream $input = null): Process
    {
        $process = $this->processes[] = new Process([PHP_BINARY, ...$command], env: [...$this->env(), ...$env], input: $input, timeout: 120);
        $process->start();

        return $process;
    }

    /**
     * The variables by which a process finds the same database.
     *
     * @return array<string, string>
     */
    protected function env(): array
    {
        $name = config('database.default');
        $connection = config("database.connections.{$name}");

        return [
            'DB_CONNECTION' => $name,
            'DB_DATABASE' => $connection['database'],
            'DB_PORT' => (string) ($connection['port'] ?? ''),
            'DB_USERNAME' => $connection['username'] ?? '',
            'DB_PASSWORD' => $connection['password'] ?? '',
            'LOG_CHANNEL' => 'stderr',
        ];
    }
}
