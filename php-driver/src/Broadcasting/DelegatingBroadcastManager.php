<?php

namespace HmsSync\Broadcasting;

use Closure;
use Illuminate\Broadcasting\BroadcastManager;

/**
 * Stands around another broadcast manager, whose drivers and creators of drivers stay in use, and leaves everything to it
 * that a subclass does not do itself.
 */
abstract class DelegatingBroadcastManager extends BroadcastManager
{
    /**
     * Create a new manager around another one.
     *
     * @param  \Illuminate\Contracts\Container\Container  $app
     */
    public function __construct($app, protected BroadcastManager $manager)
    {
        parent::__construct($app);
    }

    /**
     * Queue the given event for broadcast.
     *
     * @param  mixed  $event
     * @return void
     */
    public function queue($event)
    {
        $this->manager->queue($event);
    }

    /**
     * Get a driver instance.
     *
     * @param  string|null  $name
     * @return mixed
     */
    public function driver($name = null)
    {
        return $this->manager->driver($name);
    }

    /**
     * Register a custom driver creator.
     *
     * @param  string  $driver
     * @return $this
     */
    public function extend($driver, Closure $callback)
    {
        $this->manager->extend($driver, $callback);

        return $this;
    }

    /**
     * Disconnect a connection and remove it from the local cache.
     *
     * @param  string|null  $name
     * @return void
     */
    public function purge($name = null)
    {
        $this->manager->purge($name);
    }

    /**
     * Forget all of the resolved driver instances.
     *
     * @return $this
     */
    public function forgetDrivers()
    {
        $this->manager->forgetDrivers();

        return $this;
    }

    /**
     * Set the application instance used by the manager.
     *
     * @param  \Illuminate\Contracts\Foundation\Application  $app
     * @return $this
     */
    public function setApplication($app)
    {
        $this->manager->setApplication($app);

        return parent::setApplication($app);
    }

    /**
     * Leave everything else to the other manager.
     *
     * @param  string  $method
     * @param  array<array-key, mixed>  $parameters
     * @return mixed
     */
    public function __call($method, $parameters)
    {
        return $this->manager->{$method}(...$parameters);
    }
}
