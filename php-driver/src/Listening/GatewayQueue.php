<?php

namespace HmsSync\Listening;

use Closure;
use HmsSync\Gateway\Delivery;
use HmsSync\Gateway\GatewayException;
use HmsSync\Gateway\Settle;
use Psr\Log\LoggerInterface;

/**
 * The events the bus owes this application, as a queue that Laravel's worker can work.
 *
 * Events are fetched several at a time, settles ride along on the next fetch. What is fetched and not handled is given
 * back when the worker pauses or ends.
 */
class GatewayQueue extends InwardQueue
{
    /**
     * Topics to listen to, null for all that this application consumes.
     *
     * @var list<string>|null
     */
    protected ?array $topics = null;

    /**
     * How long one event may take (seconds), 0 for ever, null for a share of its lease.
     */
    protected ?int $timeout = null;

    /**
     * Called with the refusal when listening makes no sense any more.
     *
     * @var (Closure(GatewayException): void)|null
     */
    protected ?Closure $onRefusal = null;

    /**
     * Whether the worker asked for an event in its current turn.
     */
    protected bool $asked = false;

    /**
     * Create a new queue.
     *
     * @param  array<string, class-string>  $events  the event classes by topic
     */
    public function __construct(
        protected Exchange $exchange,
        protected Prefetch $prefetch,
        protected Settles $settles,
        protected Outage $outage,
        protected LoggerInterface $log,
        protected array $events,
    ) {
        //
    }

    /**
     * Listen to these topics only.
     *
     * @param  list<string>|null  $topics
     */
    public function only(?array $topics): static
    {
        $this->topics = $topics;

        return $this;
    }

    /**
     * Give each event this long (seconds): 0 for ever, null for five sixths of its lease.
     */
    public function within(?int $timeout): static
    {
        $this->timeout = $timeout;

        return $this;
    }

    /**
     * Call this when the gateway refuses what no later try would change.
     *
     * @param  Closure(GatewayException): void  $callback
     */
    public function onRefusal(Closure $callback): static
    {
        $this->onRefusal = $callback;

        return $this;
    }

    /**
     * Get what tells of the gateway's outages.
     */
    public function outage(): Outage
    {
        return $this->outage;
    }

    /**
     * Get the next event: one that was fetched before, else one that comes within the wait.
     *
     * @param  string|null  $queue  not used: the topics are those of only()
     * @return GatewayJob|null
     */
    public function pop($queue = null)
    {
        $this->asked = true;
        $now = $this->now();

        if ($this->prefetch->isOver($now)) {
            $this->prefetch->forget();
        }

        if (($this->prefetch->isEmpty() || $this->prefetch->needsExtension($now)) && ! $this->ask($now)) {
            return null;
        }

        return ($delivery = $this->prefetch->take()) ? $this->job($delivery) : null;
    }

    /**
     * Settle an event: with the next request, or soon.
     */
    public function settle(Settle $settle): void
    {
        $now = $this->now();
        $this->settles->add($settle, $now);

        // The last event that was fetched is settled by the next fetch, which comes at once.
        if ($this->settles->areDue($now) && ! $this->prefetch->isEmpty() && $this->outage->failure() === null) {
            $this->tried($this->exchange->settle(...));
        }
    }

    /**
     * Note that the worker ends a turn, and get whether it is paused: it did not ask for an event. That may last, so
     * others get what is held here, and what was handled is settled.
     */
    public function turn(): bool
    {
        $paused = ! $this->asked;

        if ($paused && $this->holdsAnything() && $this->outage->mayTry($this->now())) {
            $this->giveBack();
        }

        $this->asked = false;

        return $paused;
    }

    /**
     * Nack an event whose time is over, and settle all others: the process is about to be killed.
     */
    public function timedOut(GatewayJob $job): void
    {
        $this->log->warning(
            "HMS-Sync: an event of topic [{$job->getQueue()}] took longer than {$job->timeout()} s. It comes again, and this process ends.",
            ['id' => $job->getJobId(), 'attempt' => $job->attempts()]
        );

        $job->isDeletedOrReleased() || $job->release();
        $this->close();
    }

    /**
     * Send what is still to be settled and give back what was fetched and not handled. What cannot be sent comes
     * again when its lease ends.
     */
    public function close(): void
    {
        if ($this->holdsAnything() && ! $this->giveBack()) {
            $this->log->warning('HMS-Sync: the last events could not be settled; they come again when their leases end.');
            $this->settles->clear();
        }
    }

    /**
     * Determine whether there are events or settles here.
     */
    protected function holdsAnything(): bool
    {
        return ! $this->prefetch->isEmpty() || $this->settles->all() !== [];
    }

    /**
     * Settle what was handled, release what was not.
     */
    protected function giveBack(): bool
    {
        foreach ($this->prefetch->settleAll('release') as $release) {
            $this->settles->add($release, $this->now());
        }

        $this->prefetch->forget();

        return $this->tried($this->exchange->settle(...));
    }

    /**
     * Fetch events, or extend the leases of those that wait here, unless the gateway failed just before.
     */
    protected function ask(float $now): bool
    {
        return $this->outage->mayTry($now)
            && $this->tried($this->prefetch->isEmpty() ? $this->fetch(...) : $this->extend(...));
    }

    /**
     * Make requests, and note whether the gateway answered.
     */
    protected function tried(Closure $requests): bool
    {
        try {
            $requests();
        } catch (GatewayException $e) {
            $this->outage->goesOn($e, $this->now());

            if (! $e->retryable && $this->onRefusal !== null) {
                ($this->onRefusal)($e);
            }

            return false;
        }

        $this->outage->ends($this->exchange->url(), $this->now());

        return true;
    }

    /**
     * Extend the leases of what waits here, forget what was lost. The pace has slackened since it was fetched, so
     * what would wait for long is given back.
     */
    protected function extend(): void
    {
        $now = $this->now();

        foreach ($this->prefetch->surplus($now) as $delivery) {
            $this->settles->add($delivery->settle('release'), $now);
        }

        $this->prefetch->extended($now, $this->exchange->settle($this->prefetch->settleAll('extend')));
    }

    /**
     * Fetch events.
     */
    protected function fetch(): void
    {
        $deliveries = $this->exchange->fetch($this->topics, $this->prefetch->size($this->now()));

        $this->prefetch->hold($deliveries, $this->now());
    }

    /**
     * Create the job of an event.
     */
    protected function job(Delivery $delivery): GatewayJob
    {
        return new GatewayJob(
            $this->container, $this, $delivery, $this->events[$delivery->topic] ?? null, $this->connectionName,
            $this->timeout ?? max(1, intdiv($delivery->ackWaitMs * 5, 6000))
        );
    }

    /**
     * Get the time of a clock that never goes back (seconds).
     */
    protected function now(): float
    {
        return hrtime(true) / 1_000_000_000;
    }
}
