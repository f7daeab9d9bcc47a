<?php

namespace HmsSync\Console;

use Illuminate\Support\ConfigurationUrlParser;

/**
 * Where a Redis connection leads, without its credentials.
 */
class RedisAddress
{
    /**
     * Describe a connection of config/database.php.
     *
     * @param  array<string, mixed>  $redis  the "redis" section
     */
    public static function of(array $redis, string $connection): string
    {
        if (isset($redis['clusters'][$connection])) {
            return implode(', ', array_map(static::node(...), array_values((array) $redis['clusters'][$connection])));
        }

        return isset($redis[$connection]) ? static::node($redis[$connection]) : "no connection [{$connection}]";
    }

    /**
     * Describe one server.
     */
    protected static function node(mixed $config): string
    {
        $config = is_array($config) || is_string($config) ? (new ConfigurationUrlParser)->parseConfiguration($config) : [];

        if (! is_string($config['host'] ?? null)) {
            return is_string($config['path'] ?? null) ? $config['path'] : 'an address of its own form';
        }

        return $config['host'].':'.($config['port'] ?? 6379).'/'.($config['database'] ?? 0);
    }
}
