<?php

namespace HmsSync\Console;

use Composer\InstalledVersions;
use HmsSync\Redis\DefaultConnection;
use Illuminate\Contracts\Config\Repository;
use Illuminate\Foundation\Console\AboutCommand;

/**
 * The section "HMS-Sync" of "php artisan about": what is configured, without asking anything over the network.
 */
class About
{
    /**
     * Create a new instance.
     */
    public function __construct(protected Repository $config, protected Secrets $secrets)
    {
        //
    }

    /**
     * Get the lines of the section.
     *
     * @return array<string, mixed>
     */
    public function lines(): array
    {
        $default = $this->config->get('broadcasting.default');
        $redis = $this->config->get("broadcasting.connections.{$default}.connection") ?? DefaultConnection::NAME;

        return [
            'Consumer' => $this->config->get('hms-sync.consumer'),
            'Driver' => $this->state($this->config->get("broadcasting.connections.{$default}.driver") === 'hms-sync', 'ACTIVE', 'NOT THE DEFAULT'),
            'Forward' => implode(', ', (array) $this->config->get('hms-sync.forward')) ?: '-',
            'Inbound topics' => (string) count((array) $this->config->get('hms-sync.inbound')),
            'Outbox' => $this->state((bool) $this->config->get('hms-sync.outbox.enabled'), 'ON', 'OFF'),
            'Redis' => RedisAddress::of($this->config->get('database.redis', []), $redis),
            'Source' => $this->config->get('hms-sync.source'),
            'Token' => $this->state((bool) $this->config->get('hms-sync.token'), 'SET', 'NOT SET'),
            'URL' => $this->secrets->removeFrom((string) $this->config->get('hms-sync.url')),
            'Version' => InstalledVersions::isInstalled('hms-sync/laravel') ? InstalledVersions::getPrettyVersion('hms-sync/laravel') : '-',
        ];
    }

    /**
     * Get something that is so or not: in words on the console, as a boolean in JSON.
     */
    protected function state(bool $value, string $yes, string $no): mixed
    {
        return AboutCommand::format($value, console: fn (bool $value) => $value
            ? "<fg=green;options=bold>{$yes}</>"
            : "<fg=yellow;options=bold>{$no}</>");
    }
}
