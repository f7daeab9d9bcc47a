<?php

namespace HmsSync\Inbound;

use HmsSync\Inbox\Inbox;
use HmsSync\Origin\CurrentOrigin;
use Illuminate\Contracts\Events\Dispatcher;
use Illuminate\Contracts\Events\ShouldDispatchAfterCommit;
use Psr\Log\LoggerInterface;

/**
 * Makes of an envelope an event of this application.
 */
class EnvelopeHandler
{
    /**
     * Create a new handler.
     */
    public function __construct(
        protected InboundEvents $inbound,
        protected CurrentOrigin $origin,
        protected Inbox $inbox,
        protected OpenTransactions $transactions,
        protected Dispatcher $events,
        protected LoggerInterface $log,
    ) {
        //
    }

    /**
     * Handle the text of one envelope: return when its effect is stored, or was before.
     *
     * While its listeners run, the current origin is the envelope's. An event of an exactly_once topic runs them in
     * one database transaction with its row in the inbox.
     *
     * @throws \HmsSync\Inbound\Undeliverable when the event can never be handled
     * @throws \Throwable anything else that is worth another attempt
     */
    public function handle(string $text): void
    {
        $envelope = Envelope::fromJson($text);

        $this->origin->during($envelope->lineage(), function () use ($envelope) {
            $envelope->isExactlyOnce()
                ? $this->inbox->once($envelope, fn () => $this->dispatch($envelope))
                : $this->dispatch($envelope);
        });
    }

    /**
     * Build the event and run its listeners.
     */
    protected function dispatch(Envelope $envelope): void
    {
        $this->transactions->watch(function () use ($envelope) {
            $event = $this->inbound->make($envelope);

            $this->ensureDispatchedNow($event, $envelope);

            if (! $this->isHeard($event)) {
                $this->log->warning("HMS-Sync: an event of topic [{$envelope->topic}] has no effect: nothing listens to [".$event::class.'].', ['id' => $envelope->id]);
            }

            $this->events->dispatch($event);
        });
    }

    /**
     * Refuse an event whose listeners would run when the inbox has already counted it as handled: a crash in between
     * would lose it.
     */
    protected function ensureDispatchedNow(object $event, Envelope $envelope): void
    {
        if ($envelope->isExactlyOnce() && $event instanceof ShouldDispatchAfterCommit) {
            throw new InboundSetupException(
                'HMS-Sync: ['.$event::class."] implements ShouldDispatchAfterCommit, but the topic [{$envelope->topic}] is exactly_once: ".
                'its listeners run in the transaction that counts it as handled. Remove the interface from the event.'
            );
        }
    }

    /**
     * Determine whether anything listens to an event.
     */
    protected function isHeard(object $event): bool
    {
        foreach ([$event::class, ...array_values(class_implements($event))] as $name) {
            if ($this->events->hasListeners($name)) {
                return true;
            }
        }

        return false;
    }
}
