<?php

namespace HmsSync\Tests\Support;

use Redis;
use RedisException;
use RuntimeException;

/**
 * A real redis-server on a free port of the loopback interface, with a directory that goes with it.
 */
class RedisServer
{
    protected static ?self $shared = null;

    /** @var list<self> */
    protected static array $running = [];

    /**
     * @param  resource  $process
     */
    protected function __construct(public readonly int $port, protected string $directory, protected $process)
    {
        self::$running[] = $this;
    }

    /**
     * The server that all tests use which do not need one of their own.
     */
    public static function shared(): self
    {
        return self::$shared ??= self::start();
    }

    public static function start(string ...$options): self
    {
        for ($attempt = 1; $attempt <= 5; $attempt++) {
            if ($server = self::startAt(self::freePort(), ...$options)) {
                return $server;
            }
        }

        throw new RuntimeException('redis-server did not start; is it installed? (apt-get install redis-server)');
    }

    /**
     * Start a server on this port, null when it does not come up there.
     */
    public static function startAt(int $port, string ...$options): ?self
    {
        $server = self::launch($port, $options);

        if ($server->isUp()) {
            return $server;
        }

        $server->stop();

        return null;
    }

    public static function stopAll(): void
    {
        foreach (self::$running as $server) {
            $server->stop();
        }
    }

    /**
     * Kill the server and wait until it is gone.
     */
    public function stop(): void
    {
        if (is_resource($this->process)) {
            proc_terminate($this->process, SIGKILL);
            proc_close($this->process);
            array_map(unlink(...), glob($this->directory.'/*') ?: []);
            rmdir($this->directory);
        }
    }

    /**
     * A client without any option, to see what is really there.
     */
    public function client(): Redis
    {
        $client = new Redis;
        $client->connect('127.0.0.1', $this->port, 1.0);

        return $client;
    }

    /**
     * A port where nobody listens.
     */
    public static function freePort(): int
    {
        $socket = stream_socket_server('tcp://127.0.0.1:0') ?: throw new RuntimeException('no free port');
        $name = (string) stream_socket_get_name($socket, false);
        fclose($socket);

        return (int) substr($name, strrpos($name, ':') + 1);
    }

    /**
     * @param  array<int|string, string>  $options
     */
    protected static function launch(int $port, array $options): self
    {
        $directory = self::temporaryDirectory();
        $process = proc_open([
            ...self::untilParentDies(),
            'redis-server', '--port', (string) $port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no',
            '--dir', $directory, ...array_values($options),
        ], [['file', '/dev/null', 'r'], ['file', '/dev/null', 'w'], ['file', '/dev/null', 'w']], $pipes);

        return new self($port, $directory, $process ?: throw new RuntimeException('redis-server could not be started'));
    }

    protected static function temporaryDirectory(): string
    {
        $directory = sys_get_temp_dir().'/hms-sync-redis-'.bin2hex(random_bytes(6));
        mkdir($directory);

        return $directory;
    }

    /**
     * On Linux the kernel ends the server with this process, even when this one is killed.
     *
     * @return list<string>
     */
    public static function untilParentDies(): array
    {
        return is_executable('/usr/bin/setpriv') ? ['/usr/bin/setpriv', '--pdeathsig', 'KILL', '--'] : [];
    }

    protected function isUp(): bool
    {
        $deadline = microtime(true) + 10;

        while (microtime(true) < $deadline && proc_get_status($this->process)['running']) {
            try {
                $this->client()->ping();

                return true;
            } catch (RedisException) {
                usleep(10_000);
            }
        }

        return false;
    }
}
