<?php

namespace HmsSync\Console\Doctor;

use HmsSync\Redis\DefaultConnection;
use Illuminate\Contracts\Config\Repository;
use Illuminate\Contracts\Foundation\Application;
use Illuminate\Contracts\Foundation\CachesConfiguration;

/**
 * Whether broadcasts go to the bus.
 */
class BroadcastCheck implements Check
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
        return 'broadcast';
    }

    /**
     * Look which connection broadcasts use.
     */
    public function run(Examination $examination): Finding
    {
        $default = (string) $this->config->get('broadcasting.default');
        $names = $this->connections();
        $name = in_array($default, $names, true) ? $default : ($names[0] ?? null);

        if ($name === null) {
            return Finding::fail(
                'No connection in config/broadcasting.php has the driver [hms-sync].', 'Run [php artisan hms-sync:install].'
            );
        }

        $examination->connection = $this->config->get("broadcasting.connections.{$name}.connection") ?? DefaultConnection::NAME;

        return match (true) {
            $name === $default => Finding::ok("Broadcasts go to the connection [{$name}]."),
            $this->isSilent($default) => Finding::fail(
                "Broadcasts go to the connection [{$default}], which sends nothing.", "Set BROADCAST_CONNECTION={$name}.".$this->cached()
            ),
            default => Finding::warn(
                "Broadcasts go to the connection [{$default}]; the bus gets only events whose broadcastConnections() name [{$name}].",
                "Set BROADCAST_CONNECTION={$name}, and HMS_SYNC_FORWARD={$default} for the browsers.".$this->cached()
            ),
        };
    }

    /**
     * Get the connections of the bus.
     *
     * @return list<string>
     */
    protected function connections(): array
    {
        $connections = array_filter(
            (array) $this->config->get('broadcasting.connections'), fn (mixed $connection) => ($connection['driver'] ?? null) === 'hms-sync'
        );

        return array_map(strval(...), array_keys($connections));
    }

    /**
     * Determine whether a connection sends nothing to anybody.
     */
    protected function isSilent(string $connection): bool
    {
        return in_array($this->config->get("broadcasting.connections.{$connection}.driver"), [null, 'null', 'log'], true);
    }

    /**
     * Say what else to do where the configuration is cached.
     */
    protected function cached(): string
    {
        return $this->app instanceof CachesConfiguration && $this->app->configurationIsCached()
            ? ' Then run [php artisan config:cache] again.' : '';
    }
}
