<?php

namespace HmsSync\Redis;

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
     * Get the "redis" section of config/database.php with the connection added where it was missing.
     *
     * @param  array<string, mixed>  $redis
     * @param  string|null  $url  address of the bus's own Redis, when it is not the application's
     * @return array<string, mixed>
     */
    public function addTo(array $redis, ?string $url = null): array
    {
        if (isset($redis[self::NAME]) || isset($redis['clusters'][self::NAME])) {
            return $redis;
        }

        if ($url) {
            return [...$redis, self::NAME => ['url' => $url]];
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
     * Copy the default connection, including the parameters Predis keeps per connection in the options.
     *
     * @param  array<string, mixed>  $redis
     * @return array<string, mixed>
     */
    protected function copyDefault(array $redis): array
    {
        $redis[self::NAME] = $this->withSocketOfItsOwn(
            (new ConfigurationUrlParser)->parseConfiguration($redis['default'])
        );

        if (Arr::has($redis, 'options.parameters.default')) {
            Arr::set($redis, 'options.parameters.'.self::NAME, Arr::get($redis, 'options.parameters.default'));
        }

        return $redis;
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
