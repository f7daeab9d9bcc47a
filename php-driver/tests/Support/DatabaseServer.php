<?php

namespace HmsSync\Tests\Support;

use PDO;
use PDOException;
use RuntimeException;

/**
 * A real database server on a free port of the loopback interface, started when a test first asks for it and ended
 * with this process. Its data is thrown away: it never waits for the disk.
 */
abstract class DatabaseServer
{
    public const USER = 'hms';

    public const PASSWORD = 'hms';

    /** @var array<class-string, static> */
    protected static array $shared = [];

    protected int $port;

    protected string $directory;

    /** @var resource|null */
    protected $process;

    final protected function __construct()
    {
        $this->directory = sys_get_temp_dir().'/hms-sync-db-'.bin2hex(random_bytes(6));
        mkdir($this->directory, 0o700);
    }

    /**
     * The server that all tests of this process use.
     */
    public static function shared(): static
    {
        return self::$shared[static::class] ??= self::start();
    }

    /**
     * Stop what this process has started.
     */
    public static function stopAll(): void
    {
        foreach (self::$shared as $server) {
            $server->stop();
        }

        self::$shared = [];
    }

    /**
     * An empty database and the lines of config/database.php that lead to it.
     *
     * @return array<string, mixed>
     */
    public function freshDatabase(): array
    {
        $name = 'hms_'.bin2hex(random_bytes(6));

        $this->root()->exec("CREATE DATABASE {$name}");

        return [
            'driver' => $this->driver(),
            'host' => '127.0.0.1',
            'port' => $this->port,
            'database' => $name,
            'username' => self::USER,
            'password' => self::PASSWORD,
            'prefix' => '',
            ...$this->settings(),
        ];
    }

    /**
     * The name of the PDO driver and of Laravel's.
     */
    abstract protected function driver(): string;

    /**
     * Make the data directory.
     */
    abstract protected function initialize(): void;

    /**
     * The command that runs the server in the foreground.
     *
     * @return list<string>
     */
    abstract protected function command(): array;

    /**
     * A connection that may create databases.
     */
    abstract protected function root(): PDO;

    /**
     * Create the user of the tests.
     */
    abstract protected function createUser(): void;

    /**
     * The signal that ends the server at once.
     */
    protected function signal(): int
    {
        return SIGKILL;
    }

    /**
     * What this driver is told besides the address.
     *
     * @return array<string, mixed>
     */
    protected function settings(): array
    {
        return [];
    }

    protected static function start(): static
    {
        $server = new static;
        $server->initialize();

        for ($attempt = 1; $attempt <= 5; $attempt++) {
            if ($server->launch()) {
                $server->createUser();

                return $server;
            }
        }

        throw new RuntimeException($server->command()[0].' did not start: '.$server->log());
    }

    protected function launch(): bool
    {
        $this->port = RedisServer::freePort();

        $process = proc_open(
            [...$this->launcher(), ...$this->command()],
            [['file', '/dev/null', 'r'], ['file', $this->directory.'/log', 'a'], ['file', $this->directory.'/log', 'a']],
            $pipes
        );

        $this->process = $process ?: throw new RuntimeException($this->command()[0].' could not be started');

        return $this->isUp();
    }

    protected function isUp(): bool
    {
        $deadline = microtime(true) + 60;

        while (is_resource($this->process) && microtime(true) < $deadline && proc_get_status($this->process)['running']) {
            try {
                $this->root();

                return true;
            } catch (PDOException) {
                usleep(20_000);
            }
        }

        return false;
    }

    /**
     * End the server and wait until it is gone.
     */
    public function stop(): void
    {
        if (is_resource($this->process)) {
            proc_terminate($this->process, $this->signal());
            proc_close($this->process);
        }

        exec('rm -rf '.escapeshellarg($this->directory));
    }

    /**
     * What comes before a command, so that the server ends with this process even when this one is killed.
     *
     * @return list<string>
     */
    protected function launcher(): array
    {
        return RedisServer::untilParentDies();
    }

    /**
     * Run a command to its end.
     *
     * @param  list<string>  $command
     */
    protected function run(array $command): void
    {
        exec(implode(' ', array_map(escapeshellarg(...), $command)).' 2>&1', $output, $status);

        if ($status !== 0) {
            throw new RuntimeException(implode(' ', $command)." failed with {$status}: ".implode("\n", $output));
        }
    }

    protected function log(): string
    {
        return is_file($this->directory.'/log') ? (string) file_get_contents($this->directory.'/log') : '';
    }

    protected static function isRoot(): bool
    {
        return posix_geteuid() === 0;
    }
}
