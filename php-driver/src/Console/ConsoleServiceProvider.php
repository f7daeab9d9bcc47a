<?php

namespace HmsSync\Console;

use HmsSync\Schema\SchemaCheck;
use Illuminate\Foundation\Console\AboutCommand;
use Illuminate\Support\ServiceProvider;

/**
 * Registers what a developer works with: the check of broadcasts against their schemas, the commands that set the
 * package up and examine it, and its part of "php artisan about".
 */
class ConsoleServiceProvider extends ServiceProvider
{
    /**
     * Register the services.
     */
    public function register(): void
    {
        $this->app->singleton(SchemaCheck::class);
    }

    /**
     * Register the commands and the section of "php artisan about".
     */
    public function boot(): void
    {
        if ($this->app->runningInConsole()) {
            $this->commands([InstallCommand::class, DoctorCommand::class]);

            AboutCommand::add('HMS-Sync', fn () => $this->app->make(About::class)->lines());
        }
    }
}
