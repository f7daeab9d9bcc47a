<?php

// Boots the sample application for a bench. The Redis is that of REDIS_PORT.

use Illuminate\Broadcasting\Channel;
use Illuminate\Contracts\Broadcasting\ShouldBroadcastNow;
use Illuminate\Filesystem\Filesystem;
use Illuminate\Foundation\Application;
use Illuminate\Foundation\Bootstrap\BootProviders;
use Illuminate\Foundation\Bootstrap\LoadConfiguration;
use Illuminate\Foundation\Bootstrap\LoadEnvironmentVariables;
use Illuminate\Foundation\Bootstrap\RegisterFacades;
use Illuminate\Foundation\Bootstrap\RegisterProviders;
use Illuminate\Foundation\PackageManifest;

require __DIR__.'/../../test/laravel-app/bootstrap/autoload.php';

/** What the bench broadcasts: three scalars and a list, as an event of the sample application has them. */
class BenchEvent implements ShouldBroadcastNow
{
    public function __construct(
        public int $inspectionId,
        public string $completedBy,
        public string $timestamp,
        public array $rooms = ['kitchen', 'hall', 'roof'],
    ) {
    }

    public function broadcastOn(): array
    {
        return [new Channel('inspections.status')];
    }
}

/** An application with these lines of its configuration replaced, and without the hms-sync package where told so. */
function application(array $config, bool $withPackage = true): Application
{
    $app = require __DIR__.'/../../test/laravel-app/bootstrap/app.php';

    if (! $withPackage) {
        $app->instance(PackageManifest::class, new class($app) extends PackageManifest
        {
            public function __construct(Application $app)
            {
                parent::__construct(new Filesystem, $app->basePath(), $app->getCachedPackagesPath());
            }

            public function providers()
            {
                return array_diff(parent::providers(), [HmsSync\HmsSyncServiceProvider::class]);
            }
        });
    }

    $app->afterBootstrapping(LoadConfiguration::class, fn (Application $app) => $app->make('config')->set([
        'logging.default' => 'null',
        ...$config,
    ]));
    $app->bootstrapWith([
        LoadEnvironmentVariables::class, LoadConfiguration::class, RegisterFacades::class, RegisterProviders::class,
        BootProviders::class,
    ]);

    return $app;
}
