<?php

namespace HmsSync\Redis;

use Illuminate\Broadcasting\BroadcastException;
use Illuminate\Support\Arr;
use Illuminate\Support\ConfigurationUrlParser;

/**
 * The Redis connection the driver uses when the application defines none of that name: the settings of the
 * application's default connection over a socket of its own, because a command sent inside an application's
 * MULTI or pipeline would be held back with it.
 */
class DefaultConnection
{
    /**
     * The name of the connection under "redis" in config/database.php.
     */
    public const NAME = 'hms-sync';

    /**
     * How long an answer of Redis is waited for, unless the application says otherwise (seconds).
     */
    protected const READ_TIMEOUT = 5.0;

    /**
     * Get the "redis" section of config/database.php with the connection added where it was missing.
     *
     * @param  array<string, mixed>  $redis
     * @param  string|null  $url  address of the bus's own Redis, when it is not the application's
     * @return array<string, mixed>
     */
    public function addTo(array $redis, ?string $url = null): array
    {
        if ($this->isDefined($redis)) {
            return $redis;
        }

        if ($url) {
            return $this->isSentinel($url) ? $redis : [...$redis, self::NAME => $this->withinTime(['url' => $url])];
        }

        if (isset($redis['default'])) {
            return $this->copyDefault($redis);
        }

        if (isset($redis['clusters']['default'])) {
            $redis['clusters'][self::NAME] = $redis['clusters']['default'];
        }

        return $redis;
    }

    /**
     * Refuse an address that the sidecar understands and Laravel does not, unless the connection is defined otherwise.
     *
     * @param  array<string, mixed>  $redis  the "redis" section of config/database.php
     *
     * @throws \Illuminate\Broadcasting\BroadcastException
     */
    public function ensureUsable(array $redis, ?string $url): void
    {
        if ($url && $this->isSentinel($url) && ! $this->isDefined($redis)) {
            throw new BroadcastException(
                'HMS-Sync: Laravel has no [redis+sentinel] addresses, but HMS_SYNC_REDIS_URL is one. Define a connection '.
                'named "hms-sync" under "redis" in config/database.php that asks the sentinels, as your Redis client does it.'
            );
        }
    }

    /**
     * Determine whether the application defines the connection itself.
     *
     * @param  array<string, mixed>  $redis
     */
    protected function isDefined(array $redis): bool
    {
        return isset($redis[self::NAME]) || isset($redis['clusters'][self::NAME]);
    }

    /**
     * Determine whether the address is one of Sentinels, in the sidecar's notation.
     */
    protected function isSentinel(string $url): bool
    {
        return preg_match('#^rediss?\+sentinel://#', $url) === 1;
    }

    /**
     * Copy the default connection, including the parameters Predis keeps per connection in the options.
     *
     * @param  array<string, mixed>  $redis
     * @return array<string, mixed>
     */
    protected function copyDefault(array $redis): array
    {
        $redis[self::NAME] = $this->withinTime($this->withSocketOfItsOwn(
            (new ConfigurationUrlParser)->parseConfiguration($redis['default'])
        ));

        if (Arr::has($redis, 'options.parameters.default')) {
            Arr::set($redis, 'options.parameters.'.self::NAME, Arr::get($redis, 'options.parameters.default'));
        }

        return $redis;
    }

    /**
     * Keep phpredis from waiting for PHP's default_socket_timeout, a minute: when Redis breaks off a connection over a
     * command, phpredis connects again and waits there for an answer that never comes.
     *
     * @param  array<array-key, mixed>  $connection
     * @return array<array-key, mixed>
     */
    protected function withinTime(array $connection): array
    {
        // A list of nodes is Predis's.
        return array_key_exists(0, $connection)
            ? $connection
            : [...$connection, 'read_timeout' => ($connection['read_timeout'] ?? null) ?: self::READ_TIMEOUT];
    }

    /**
     * Keep both clients from sharing a persistent socket with the application's default connection.
     *
     * @param  array<array-key, mixed>  $connection
     * @return array<array-key, mixed>
     */
    protected function withSocketOfItsOwn(array $connection): array
    {
        if (empty($connection['persistent'])) {
            return $connection;
        }

        return [...$connection, 'persistent_id' => self::NAME, 'conn_uid' => self::NAME];
    }
}
