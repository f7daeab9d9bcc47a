<?php

namespace HmsSync\Broadcasting;

use HmsSync\Outbox\EarlyBroadcasts;
use HmsSync\Outbox\Handover;
use HmsSync\Outbox\Outbox;
use Illuminate\Contracts\Broadcasting\ShouldRescue;
use Psr\Log\LoggerInterface;

/**
 * Stands around the application's broadcast manager and writes broadcasts into the outbox when their event is fired:
 * later, when a worker broadcasts it, the transaction is over and the models may have changed or gone.
 */
class HmsSyncBroadcastManager extends DelegatingBroadcastManager
{
    /**
     * The outbox of the application, once asked for: every broadcast asks whether it is enabled.
     */
    protected ?Outbox $outbox = null;

    /**
     * The classes of events that a warning was given of.
     *
     * @var array<class-string, true>
     */
    protected array $warned = [];

    /**
     * Queue the given event for broadcast: without the outbox as Laravel does it, with the outbox by writing it there.
     * Connections of the event that are not the bus's are always left to Laravel.
     *
     * @param  mixed  $event
     * @return void
     */
    public function queue($event)
    {
        if (! is_object($event) || ! $this->outbox()->isEnabled()) {
            if ($event instanceof ShouldRescue) {
                $this->warnOfRescue($event);
            }

            parent::queue($event);

            return;
        }

        [$bus, $others] = $this->bus()->count($event);

        if ($bus > 0 && ! $this->app->make(EarlyBroadcasts::class)->take($event)) {
            $this->bus()->broadcast($event);
        }

        if ($others > 0) {
            $this->app->make(Handover::class)->leave($event, fn () => parent::queue($event));
        }
    }

    /**
     * Set the application instance used by the manager.
     *
     * @param  \Illuminate\Contracts\Foundation\Application  $app
     * @return $this
     */
    public function setApplication($app)
    {
        $this->outbox = null;

        return parent::setApplication($app);
    }

    /**
     * Warn once of an event whose failure Laravel would swallow.
     */
    protected function warnOfRescue(ShouldRescue $event): void
    {
        if (isset($this->warned[$event::class])) {
            return;
        }

        if ($this->bus()->count($event)[0] > 0) {
            $this->warned[$event::class] = true;

            $this->app->make(LoggerInterface::class)->warning(
                'HMS-Sync: ['.$event::class.'] implements ShouldRescue: when it cannot be queued, or not be broadcast now, Laravel reports that and goes on, and '.
                'the event is lost. Remove the interface, or set HMS_SYNC_OUTBOX=true.'
            );
        }
    }

    /**
     * Get the outbox.
     */
    protected function outbox(): Outbox
    {
        return $this->outbox ??= $this->app->make(Outbox::class);
    }

    /**
     * Get the connections of the bus.
     */
    protected function bus(): BusConnections
    {
        return $this->app->make(BusConnections::class);
    }
}
