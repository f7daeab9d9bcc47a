<?php

namespace HmsSync\Testing;

use HmsSync\Broadcasting\BroadcastContext;
use HmsSync\Broadcasting\BroadcastIds;
use HmsSync\Broadcasting\ContextualBroadcasting;
use HmsSync\Broadcasting\DelegatingBroadcastManager;
use HmsSync\Origin\CurrentOrigin;
use HmsSync\Outbox\EarlyBroadcasts;
use HmsSync\Schema\SchemaCheck;
use Illuminate\Broadcasting\BroadcastEvent;
use Illuminate\Broadcasting\BroadcastManager;

/**
 * Stands in for the application's broadcast manager, which writes the outbox or queues a job: what would go to the
 * bus is recorded at once, everything else is left to that manager.
 */
class FakeBroadcastManager extends DelegatingBroadcastManager
{
    /**
     * Create a new manager around the application's own.
     *
     * @param  \Illuminate\Contracts\Container\Container  $app
     */
    public function __construct($app, BroadcastManager $manager, protected HmsSyncFake $fake)
    {
        parent::__construct($app, $manager);
    }

    /**
     * Get the manager that this one stands in for.
     */
    public function manager(): BroadcastManager
    {
        return $this->manager;
    }

    /**
     * Broadcast the event, now, when one of its connections is the bus's.
     *
     * @param  mixed  $event
     * @return void
     */
    public function queue($event)
    {
        if (! is_object($event) || array_filter((new BroadcastContext($event))->connections(), $this->leadsToBus(...)) === []) {
            parent::queue($event);

            return;
        }

        // One that the outbox takes right before the commit was recorded there.
        $recorded = $this->app->make(EarlyBroadcasts::class)->take($event);
        $event = clone $event;

        (new BroadcastEvent($event))->handle(new ContextualBroadcasting(
            $this, new BroadcastContext($event), $recorded ? fn (?string $connection) => ! $this->leadsToBus($connection) : null
        ));
    }

    /**
     * Get a driver instance.
     *
     * @param  string|null  $name
     * @return mixed
     */
    public function driver($name = null)
    {
        $broadcaster = $this->manager->driver($name);

        return $this->leadsToBus($name)
            ? new RecordingBroadcaster(
                $broadcaster, $this->fake, $this->app->make(BroadcastIds::class),
                $this->app->make(CurrentOrigin::class), $this->app->make(SchemaCheck::class),
            )
            : $broadcaster;
    }

    /**
     * Determine whether a connection is one of the bus. The default one counts as such also where an application's
     * tests have set it to a driver that sends nothing.
     */
    protected function leadsToBus(?string $connection): bool
    {
        $config = $this->app->make('config');
        $driver = $config->get('broadcasting.connections.'.($connection ?? $this->getDefaultDriver()).'.driver');

        return $driver === 'hms-sync' || ($connection === null && in_array($driver, [null, 'null', 'log'], true));
    }

    /**
     * Leave everything else to the default connection as driver() gives it, which records.
     *
     * @param  string  $method
     * @param  array<array-key, mixed>  $parameters
     * @return mixed
     */
    public function __call($method, $parameters)
    {
        return $this->driver()->{$method}(...$parameters);
    }
}
