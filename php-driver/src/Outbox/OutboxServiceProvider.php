<?php

namespace HmsSync\Outbox;

use HmsSync\Broadcasting\BusConnections;
use Illuminate\Contracts\Foundation\Application;
use Illuminate\Database\Events\TransactionCommitting;
use Illuminate\Queue\Events\JobExceptionOccurred;
use Illuminate\Queue\Events\JobProcessed;
use Illuminate\Queue\Jobs\SyncJob;
use Illuminate\Support\ServiceProvider;

/**
 * Registers the outbox, and what relays it.
 */
class OutboxServiceProvider extends ServiceProvider
{
    /**
     * Register the services.
     */
    public function register(): void
    {
        $this->app->singleton(OutboxConnections::class, fn (Application $app) => new OutboxConnections(
            $app->make('db'), $app->make('db.transactions'), $app->make('config')
        ));

        $this->app->singleton(Outbox::class, fn (Application $app) => new Outbox(
            $app->make('config'), $app->make(OutboxConnections::class), $app->make('db.transactions'), $app->make(RelayAttempt::class)
        ));

        $this->app->singleton(Handover::class, fn (Application $app) => new Handover($app->make('config'), $app->make('db.transactions')));

        $this->app->singleton(EarlyBroadcasts::class, fn (Application $app) => new EarlyBroadcasts(
            $app->make(BusConnections::class), $app->make('db.transactions'), $app->make(OutboxConnections::class), $app->make(Outbox::class)
        ));
    }

    /**
     * Follow transactions, requests and jobs; offer the commands and the migration.
     */
    public function boot(): void
    {
        Handover::mark();

        $events = $this->app->make('events');

        $events->listen(TransactionCommitting::class, fn (TransactionCommitting $event) => $this->app->make(EarlyBroadcasts::class)->write($event));

        $events->listen([JobProcessed::class, JobExceptionOccurred::class], function (JobProcessed|JobExceptionOccurred $event) {
            if (! $event->job instanceof SyncJob) {
                $this->relayWritten();
            }
        });

        $this->app->terminating($this->relayWritten(...));

        if ($this->app->runningInConsole()) {
            $this->commands([RelayCommand::class, OutboxCommand::class]);
            $this->loadMigrationsFrom(__DIR__.'/../../database/migrations/outbox');
            $this->publishes([
                __DIR__.'/../../database/migrations/outbox' => $this->app->databasePath('migrations'),
            ], 'hms-sync-migrations');
        }
    }

    /**
     * Send what a request, a command or a job has written, once its answer is out.
     */
    protected function relayWritten(): void
    {
        if ($this->app->resolved(Outbox::class) && $this->app->make('config')->get('hms-sync.outbox.relay_after_response', true)) {
            $this->app->make(Outbox::class)->relayWritten();
        }
    }
}
