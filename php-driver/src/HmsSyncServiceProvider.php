<?php

namespace HmsSync;

use HmsSync\Broadcasting\BroadcastEventHandler;
use HmsSync\Broadcasting\BroadcastIds;
use HmsSync\Broadcasting\BusConnections;
use HmsSync\Broadcasting\Forwarding;
use HmsSync\Broadcasting\HmsSyncBroadcaster;
use HmsSync\Broadcasting\HmsSyncBroadcastManager;
use HmsSync\Console\ConsoleServiceProvider;
use HmsSync\Inbound\InboundServiceProvider;
use HmsSync\Listening\ListeningServiceProvider;
use HmsSync\Origin\CurrentOrigin;
use HmsSync\Outbox\Outbox;
use HmsSync\Outbox\OutboxServiceProvider;
use HmsSync\Queue\RunningJobs;
use HmsSync\Redis\DefaultConnection;
use HmsSync\Schema\SchemaCheck;
use Illuminate\Broadcasting\BroadcastEvent;
use Illuminate\Broadcasting\BroadcastManager;
use Illuminate\Broadcasting\UniqueBroadcastEvent;
use Illuminate\Bus\Dispatcher;
use Illuminate\Contracts\Foundation\Application;
use Illuminate\Contracts\Redis\Factory as Redis;
use Illuminate\Support\ServiceProvider;

/**
 * Registers the "hms-sync" broadcast driver together with the two connections it needs, so that
 * BROADCAST_CONNECTION=hms-sync is all an application has to set.
 */
class HmsSyncServiceProvider extends ServiceProvider
{
    /**
     * The parts that bring their own services, commands and migrations.
     *
     * @var list<class-string<ServiceProvider>>
     */
    protected array $parts = [
        OutboxServiceProvider::class,
        InboundServiceProvider::class,
        ListeningServiceProvider::class,
        ConsoleServiceProvider::class,
    ];

    /**
     * Register the driver, its default connections and the services it uses.
     */
    public function register(): void
    {
        $this->mergeConfigFrom(__DIR__.'/../config/hms-sync.php', 'hms-sync');

        $this->addDefaultConnections();

        $this->app->singleton(RunningJobs::class);
        $this->app->singleton(CurrentOrigin::class);

        // Made once: what the container makes anew costs several microseconds at every broadcast.
        $this->app->singleton(BusConnections::class);
        $this->app->singleton(BroadcastEventHandler::class);

        $this->app->extend(BroadcastManager::class, function (BroadcastManager $manager, Application $app) {
            return new HmsSyncBroadcastManager($app, $manager);
        });

        $this->callAfterResolving(BroadcastManager::class, function (BroadcastManager $manager) {
            $manager->extend('hms-sync', fn (Application $app, array $config) => $this->broadcaster($app, $config));
        });

        $this->callAfterResolving(Dispatcher::class, function (Dispatcher $bus) {
            $bus->map([
                BroadcastEvent::class => BroadcastEventHandler::class,
                UniqueBroadcastEvent::class => BroadcastEventHandler::class,
            ]);
        });

        foreach ($this->parts as $part) {
            $this->app->register($part);
        }
    }

    /**
     * Follow the queue's jobs and offer the configuration file for publishing.
     */
    public function boot(): void
    {
        $this->app->make(RunningJobs::class)->follow($this->app->make('events'));

        if ($this->app->runningInConsole()) {
            $this->publishes([
                __DIR__.'/../config/hms-sync.php' => $this->app->configPath('hms-sync.php'),
            ], 'hms-sync-config');
        }
    }

    /**
     * Add the broadcast connection and the Redis connection that the application has not defined itself.
     */
    protected function addDefaultConnections(): void
    {
        $config = $this->app->make('config');

        if (! $config->has('broadcasting.connections.hms-sync')) {
            $config->set('broadcasting.connections.hms-sync', [
                'driver' => 'hms-sync',
                'connection' => DefaultConnection::NAME,
            ]);
        }

        $config->set('database.redis', (new DefaultConnection)->addTo(
            $config->get('database.redis', []), $config->get('hms-sync.redis_url')
        ));
    }

    /**
     * Create the broadcaster of one connection in config/broadcasting.php.
     *
     * @param  array<string, mixed>  $config
     */
    protected function broadcaster(Application $app, array $config): HmsSyncBroadcaster
    {
        $settings = $app->make('config');
        $connection = $config['connection'] ?? DefaultConnection::NAME;

        if ($connection === DefaultConnection::NAME) {
            (new DefaultConnection)->ensureUsable($settings->get('database.redis', []), $settings->get('hms-sync.redis_url'));
        }

        return new HmsSyncBroadcaster(
            $app->make(Redis::class),
            $connection,
            $app->make(BroadcastIds::class),
            $settings->get('hms-sync.source'),
            $settings->get('app.timezone', 'UTC'),
            $app->make(SchemaCheck::class),
            $app->make(CurrentOrigin::class),
            $app->make(Outbox::class),
            $app->make(Forwarding::class),
            $settings,
        );
    }
}
