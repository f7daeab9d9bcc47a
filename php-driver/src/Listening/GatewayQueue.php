<?php

namespace HmsSync\Listening;

use Closure;
use HmsSync\Gateway\Delivery;
use HmsSync\Gateway\GatewayClient;
use HmsSync\Gateway\GatewayException;
use HmsSync\Gateway\Pulled;
use HmsSync\Gateway\Settle;
use Illuminate\Contracts\Queue\Queue as QueueContract;
use Illuminate\Queue\Queue;
use LogicException;
use Psr\Log\LoggerInterface;
use Throwable;

/**
 * The events the bus owes this application, as a queue that Laravel's worker can work.
 *
 * Events are fetched several at a time, settles ride along on the next fetch. What is fetched and not handled is given
 * back by close().
 */
class GatewayQueue extends Queue implements QueueContract
{
    /**
     * How long one request waits for an event (milliseconds): a signal to stop is heeded at its end.
     */
    protected const WAIT_MS = 1500;

    /**
     * The pauses between tries while the gateway does not answer, and the longest time one pop() sleeps (seconds).
     */
    protected const PAUSES = [0.25, 0.5, 1.0, 2.0, 5.0];

    protected const NAP = 0.25;

    /**
     * Topics to listen to, null for all that this application consumes.
     *
     * @var list<string>|null
     */
    protected ?array $topics = null;

    /**
     * Called with the refusal when listening makes no sense any more.
     *
     * @var (Closure(GatewayException): void)|null
     */
    protected ?Closure $onRefusal = null;

    /**
     * The failure of the last request, null when it was answered.
     */
    protected ?GatewayException $failure = null;

    protected int $failures = 0;

    protected float $notBefore = 0.0;

    protected float $failingSince = 0.0;

    /**
     * Create a new queue.
     *
     * @param  array<string, class-string>  $events  the event classes by topic
     */
    public function __construct(
        protected GatewayClient $gateway,
        protected Prefetch $prefetch,
        protected Settles $settles,
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
     * Get why the gateway gave no answer last time, null when it did.
     */
    public function failure(): ?GatewayException
    {
        return $this->failure;
    }

    /**
     * Get the next event: one that was fetched before, else one that comes within the wait.
     *
     * @param  string|null  $queue  not used: the topics are those of only()
     * @return GatewayJob|null
     */
    public function pop($queue = null)
    {
        if (! $this->mayTry()) {
            return null;
        }

        try {
            $this->keepLeases();

            if ($this->prefetch->isEmpty()) {
                $this->fetch();
            }
        } catch (GatewayException $e) {
            $this->failed($e);

            return null;
        }

        $this->answered();

        return ($delivery = $this->prefetch->take()) ? $this->job($delivery) : null;
    }

    /**
     * Settle an event: with the next request, or soon.
     */
    public function settle(Settle $settle): void
    {
        $now = $this->now();
        $this->settles->add($settle, $now);

        // The last event that was fetched is settled by the next fetch.
        if ($this->settles->areDue($now) && ! $this->prefetch->isEmpty() && $this->failure === null) {
            try {
                $this->flush();
            } catch (GatewayException $e) {
                $this->failed($e);
            }
        }
    }

    /**
     * Send what is still to be settled and give back what was fetched and not handled. What cannot be sent comes
     * again when its lease ends.
     */
    public function close(): void
    {
        foreach ($this->prefetch->settleAll('release') as $release) {
            $this->settles->add($release, $this->now());
        }

        $this->prefetch->forget();

        try {
            $this->flush();
        } catch (GatewayException $e) {
            $this->log->warning('HMS-Sync: the last events could not be settled and come again.', ['code' => $e->gatewayCode]);
        }

        $this->settles->clear();
    }

    /**
     * Extend the leases of what waits here when they are well under way, forget what was lost.
     */
    protected function keepLeases(): void
    {
        $now = $this->now();

        if ($this->prefetch->isOver($now)) {
            $this->prefetch->forget();
        } elseif ($this->prefetch->needsExtension($now)) {
            $lost = [];

            foreach ($this->byTopic([...$this->settles->all(), ...$this->prefetch->settleAll('extend')]) as $topic => $settles) {
                $answers = $this->gateway->settle($topic, $settles);
                $this->reportLate($answers, $settles);
                array_push($lost, ...$this->tokensNotSettled($answers));
            }

            $this->settles->clear();
            $this->prefetch->extended($now, $lost);
        }
    }

    /**
     * Fetch events. Settles are answered at once; only a fetch without any waits for the first event.
     */
    protected function fetch(): void
    {
        $settles = $this->settles->all();
        $pulled = $this->pull($settles);

        if ($settles !== [] && $pulled->deliveries === []) {
            $pulled = $this->pull([]);
        }

        $this->prefetch->hold($pulled->deliveries, $this->now());
    }

    /**
     * Send one pull.
     *
     * @param  list<Settle>  $settles
     */
    protected function pull(array $settles): Pulled
    {
        $pulled = $this->gateway->pull($this->topics, $this->prefetch->size($this->now()), self::WAIT_MS, $settles);

        $this->settles->clear();
        $this->reportLate($pulled->settled, $settles);

        return $pulled;
    }

    /**
     * Send the settles that wait.
     */
    protected function flush(): void
    {
        foreach ($this->byTopic($this->settles->all()) as $topic => $settles) {
            $this->reportLate($this->gateway->settle($topic, $settles), $settles);
        }

        $this->settles->clear();
    }

    /**
     * Say that settles came too late: the bus has taken the events back and hands them out again.
     *
     * @param  list<array{token: string, to?: int, result: string}>  $answers
     * @param  list<Settle>  $settles
     */
    protected function reportLate(array $answers, array $settles): void
    {
        if ($settles === [] || ($late = $this->tokensNotSettled($answers)) === []) {
            return;
        }

        $this->log->warning(
            'HMS-Sync: events were settled after their lease had ended, and come again. Give the consumer a longer ack_wait in topics.yaml, or make its listeners faster.',
            ['count' => count($late)]
        );
    }

    /**
     * Get the tokens of the answers that are not ok.
     *
     * @param  list<array{token: string, to?: int, result: string}>  $answers
     * @return list<string>
     */
    protected function tokensNotSettled(array $answers): array
    {
        $tokens = [];

        foreach ($answers as $answer) {
            if ($answer['result'] !== 'ok') {
                $dot = (int) strrpos($answer['token'], '.');
                $first = (int) substr($answer['token'], $dot + 1);

                foreach (range($first, $answer['to'] ?? $first) as $index) {
                    $tokens[] = substr($answer['token'], 0, $dot).'.'.$index;
                }
            }
        }

        return $tokens;
    }

    /**
     * Sort settles by topic, in their order.
     *
     * @param  list<Settle>  $settles
     * @return array<string, list<Settle>>
     */
    protected function byTopic(array $settles): array
    {
        $sorted = [];

        foreach ($settles as $settle) {
            $sorted[$settle->topic][] = $settle;
        }

        return $sorted;
    }

    /**
     * Determine whether the gateway may be asked now; sleeps a little when it failed just before.
     */
    protected function mayTry(): bool
    {
        $left = $this->notBefore - $this->now();

        if ($left > 0) {
            usleep((int) (min($left, self::NAP) * 1_000_000));
        }

        return $left <= self::NAP;
    }

    /**
     * Note that the gateway did not answer, or refused.
     */
    protected function failed(GatewayException $e): void
    {
        if (! $e->retryable) {
            $this->failure = $e;

            if ($this->onRefusal !== null) {
                ($this->onRefusal)($e);
            }

            return;
        }

        if ($this->failure === null) {
            $this->failingSince = $this->now();
            $this->log->warning($e->getMessage().' Trying again until it answers.', ['code' => $e->gatewayCode]);
        }

        $this->failure = $e;
        $this->notBefore = $this->now() + self::PAUSES[min($this->failures++, count(self::PAUSES) - 1)];
    }

    /**
     * Note that the gateway answered.
     */
    protected function answered(): void
    {
        if ($this->failure !== null) {
            $this->log->warning(sprintf('HMS-Sync: %s answers again after %.1f s.', $this->gateway->url(), $this->now() - $this->failingSince));
            [$this->failure, $this->failures, $this->notBefore] = [null, 0, 0.0];
        }
    }

    /**
     * Create the job of an event.
     */
    protected function job(Delivery $delivery): GatewayJob
    {
        return new GatewayJob($this->container, $this, $delivery, $this->events[$delivery->topic] ?? null, $this->connectionName);
    }

    /**
     * Get the time of a clock that never goes back (seconds).
     */
    protected function now(): float
    {
        return hrtime(true) / 1_000_000_000;
    }

    /**
     * Get the number of events owed. Not known here: see hms-sync status.
     *
     * @param  string|null  $queue
     * @return int
     */
    public function size($queue = null)
    {
        return 0;
    }

    /**
     * @param  string|null  $queue
     * @return int
     */
    public function pendingSize($queue = null)
    {
        return 0;
    }

    /**
     * @param  string|null  $queue
     * @return int
     */
    public function delayedSize($queue = null)
    {
        return 0;
    }

    /**
     * @param  string|null  $queue
     * @return int
     */
    public function reservedSize($queue = null)
    {
        return 0;
    }

    /**
     * @param  string|null  $queue
     * @return int|null
     */
    public function creationTimeOfOldestPendingJob($queue = null)
    {
        return null;
    }

    /**
     * @param  string|object  $job
     * @param  mixed  $data
     * @param  string|null  $queue
     * @return never
     */
    public function push($job, $data = '', $queue = null)
    {
        throw $this->readOnly();
    }

    /**
     * @param  string  $payload
     * @param  string|null  $queue
     * @param  array<string, mixed>  $options
     * @return never
     */
    public function pushRaw($payload, $queue = null, array $options = [])
    {
        throw $this->readOnly();
    }

    /**
     * @param  \DateTimeInterface|\DateInterval|int  $delay
     * @param  string|object  $job
     * @param  mixed  $data
     * @param  string|null  $queue
     * @return never
     */
    public function later($delay, $job, $data = '', $queue = null)
    {
        throw $this->readOnly();
    }

    /**
     * Create the exception for a job that somebody pushes here.
     */
    protected function readOnly(): Throwable
    {
        return new LogicException('HMS-Sync: the queue connection [hms-sync] only brings events in. Broadcast an event to send one out.');
    }
}
