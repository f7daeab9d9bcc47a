<?php

namespace HmsSync\Listening;

use HmsSync\Gateway\GatewayClient;
use Illuminate\Contracts\Foundation\Application;
use Illuminate\Http\Client\Factory as Http;
use Illuminate\Queue\QueueManager;
use Illuminate\Support\ServiceProvider;

/**
 * Registers hms-sync:listen and what it needs: the gateway client and the queue that reads the gateway.
 */
class ListeningServiceProvider extends ServiceProvider
{
    /**
     * Register the gateway client, the queue and its driver.
     */
    public function register(): void
    {
        $this->app->bind(GatewayClient::class, function (Application $app) {
            $config = $app->make('config');

            return new GatewayClient(
                $app->make(Http::class), (string) $config->get('hms-sync.url'), $config->get('hms-sync.token'),
                (string) $config->get('hms-sync.consumer')
            );
        });

        $this->app->singleton(GatewayQueue::class, function (Application $app) {
            $log = $app->make('log');
            $settles = new Settles;

            return new GatewayQueue(
                new Exchange($app->make(GatewayClient::class), $settles, $log), new Prefetch, $settles, new Outage($log), $log,
                $app->make('config')->get('hms-sync.inbound', [])
            );
        });

        $this->callAfterResolving('queue', function (QueueManager $manager) {
            $manager->addConnector('hms-sync', fn () => new GatewayConnector($this->app->make(GatewayQueue::class)));
        });
    }

    /**
     * Register the commands.
     */
    public function boot(): void
    {
        if ($this->app->runningInConsole()) {
            $this->app->bind(ListenCommand::class, fn (Application $app) => new ListenCommand(
                $app->make('queue.worker'), $app->make('cache.store'), $app->make(GatewayQueue::class)
            ));

            $this->commands([ListenCommand::class, RestartCommand::class]);
        }
    }
}
