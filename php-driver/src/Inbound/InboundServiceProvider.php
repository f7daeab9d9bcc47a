<?php

namespace HmsSync\Inbound;

use HmsSync\Inbound\Types\TypeReader;
use HmsSync\Inbox\Inbox;
use HmsSync\Inbox\PruneInboxCommand;
use HmsSync\Origin\JobOrigins;
use HmsSync\Queue\RunningJobs;
use Illuminate\Console\Scheduling\Schedule;
use Illuminate\Contracts\Foundation\Application;
use Illuminate\Support\ServiceProvider;

/**
 * Registers what makes events of this application out of the bus's, and the inbox by which they take effect once.
 */
class InboundServiceProvider extends ServiceProvider
{
    /**
     * Register the services and the daily pruning of the inbox.
     */
    public function register(): void
    {
        $this->app->singleton(TypeReader::class);

        $this->app->bind(Inbox::class, fn (Application $app) => new Inbox(
            $app->make('db'), $app->make('db.transactions'), $app->make('config')
        ));

        $this->callAfterResolving(Schedule::class, function (Schedule $schedule, Application $app) {
            $schedule->command(PruneInboxCommand::class)->daily()->when(fn () => $app->make(Inbox::class)->exists());
        });
    }

    /**
     * Have the origin travel with queued jobs; offer the command and the migration.
     */
    public function boot(): void
    {
        JobOrigins::send();
        $this->app->make(JobOrigins::class)->follow($this->app->make(RunningJobs::class));

        if (! $this->app->runningInConsole()) {
            return;
        }

        $this->commands([PruneInboxCommand::class]);
        $this->loadMigrationsFrom(__DIR__.'/../../database/migrations/inbox');
        $this->publishes([
            __DIR__.'/../../database/migrations/inbox' => $this->app->databasePath('migrations'),
        ], 'hms-sync-migrations');
    }
}
