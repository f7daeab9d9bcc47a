<?php

namespace HmsSync\Console\Doctor;

use HmsSync\Console\RedisAddress;
use HmsSync\Redis\DefaultConnection;
use HmsSync\Redis\IntakeStream;
use Illuminate\Contracts\Config\Repository;
use Illuminate\Contracts\Foundation\Application;
use Illuminate\Contracts\Redis\Factory;
use Illuminate\Redis\RedisManager;
use Throwable;

/**
 * Whether the Redis to which the driver writes would take an event.
 */
class RedisCheck implements Check
{
    /**
     * Create a new check.
     */
    public function __construct(protected Application $app, protected Repository $config)
    {
        //
    }

    /**
     * Get the name by which the check is shown.
     */
    public function name(): string
    {
        return 'redis';
    }

    /**
     * Ask Redis whether it would take an entry.
     */
    public function run(Examination $examination): Finding
    {
        if (($name = $examination->connection) === null) {
            return Finding::skip('no broadcast connection says which Redis it is');
        }

        $address = RedisAddress::of($this->config->get('database.redis', []), $name);

        try {
            (new DefaultConnection)->ensureUsable($this->config->get('database.redis', []), $this->config->get('hms-sync.redis_url'));

            $intake = new IntakeRedis($this->redis($name, $examination->timeout), $name);
            $intake->ensureWritable();
        } catch (Throwable $e) {
            return Finding::fail(
                "Redis at {$address} (connection [{$name}]) does not take events: ".rtrim($e->getMessage(), '.').'.',
                'Start it, or correct HMS_SYNC_REDIS_URL or the connection in config/database.php; its user needs XADD on '.IntakeStream::KEY.'.'
            );
        }

        $examination->intake = $intake;

        return Finding::ok("Redis at {$address} (connection [{$name}]) takes events.");
    }

    /**
     * Get a factory of the same connection that gives up in time. A cluster keeps the times it has.
     */
    protected function redis(string $name, float $timeout): Factory
    {
        $redis = $this->config->get('database.redis', []);

        if (! isset($redis[$name])) {
            return $this->app->make(Factory::class);
        }

        $redis[$name] = ['timeout' => $timeout, 'read_timeout' => $timeout, 'read_write_timeout' => $timeout] + (array) $redis[$name];

        return new RedisManager($this->app, $redis['client'] ?? 'phpredis', $redis);
    }
}
