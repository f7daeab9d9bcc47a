<?php

namespace HmsSync\Listening;

use HmsSync\Gateway\Delivery;
use HmsSync\Inbound\EnvelopeHandler;
use HmsSync\Inbound\Undeliverable;
use Illuminate\Container\Container;
use Illuminate\Contracts\Queue\Job as JobContract;
use Illuminate\Queue\Jobs\Job;
use Throwable;

/**
 * One external event as Laravel's queue worker handles it: deleted is acked, released is nacked, failed is
 * terminated.
 */
class GatewayJob extends Job implements JobContract
{
    /**
     * The envelope's id, source and the like, for names and output.
     *
     * @var array<string, mixed>
     */
    protected array $envelope;

    /**
     * Why the event was not handled: the exception's class or, for one that can never be handled, its message.
     */
    protected ?string $reason = null;

    /**
     * Create a new job.
     *
     * @param  string|null  $event  the class that the topic's events become, null when the topic is not mapped
     * @param  int  $timeout  how long it may take (seconds), 0 for ever
     */
    public function __construct(
        Container $container,
        protected GatewayQueue $gateway,
        protected Delivery $delivery,
        protected ?string $event,
        string $connectionName,
        protected int $timeout,
    ) {
        $this->container = $container;
        $this->connectionName = $connectionName;
        $this->queue = $delivery->topic;
        $this->envelope = (array) json_decode($delivery->envelope, true, 512);
    }

    /**
     * Dispatch the event to the application's listeners.
     *
     * @return void
     */
    public function fire()
    {
        try {
            $this->container->make(EnvelopeHandler::class)->handle($this->delivery->envelope);
        } catch (Undeliverable $e) {
            $this->reason = $e->getMessage();
            $this->fail($e);

            throw $e;
        } catch (Throwable $e) {
            $this->reason = $e::class;

            throw $e;
        }

        if (! $this->isDeletedOrReleased()) {
            $this->delete();
        }
    }

    /**
     * Ack the event, or terminate it when it has failed.
     *
     * @return void
     */
    public function delete()
    {
        parent::delete();

        $this->gateway->settle($this->hasFailed()
            ? $this->delivery->settle('term', reason: $this->reason ?? 'failed')
            : $this->delivery->settle('ack'));
    }

    /**
     * Nack the event: it comes again after the delay, or after the consumer's own backoff when that is 0.
     *
     * @param  int  $delay  seconds
     * @return void
     */
    public function release($delay = 0)
    {
        parent::release($delay);

        $this->gateway->settle($this->delivery->settle('nack', $delay > 0 ? (int) $delay * 1000 : null, $this->reason));
    }

    /**
     * Terminate the event: the bus keeps it among the dead letters.
     *
     * @param  \Throwable|null  $e
     * @return void
     */
    public function fail($e = null)
    {
        $this->reason ??= $e === null ? 'failed' : $e::class;

        parent::fail($e);
    }

    /**
     * The event's listeners have no failed() method: there is nothing to call.
     *
     * @param  \Throwable|null  $e
     * @return void
     */
    protected function failed($e)
    {
        //
    }

    /**
     * Get how often the event has been handed out, this time included. The bus counts.
     *
     * @return int
     */
    public function attempts()
    {
        return $this->delivery->attempt;
    }

    /**
     * Get how long the event may take (seconds), 0 for ever.
     *
     * @return int
     */
    public function timeout()
    {
        return $this->timeout;
    }

    /**
     * Get the event's id.
     *
     * @return string
     */
    public function getJobId()
    {
        return $this->member('id');
    }

    /**
     * Get what names the job in output and in monitoring, and nothing of the event's payload.
     *
     * @return array<string, mixed>
     */
    public function payload()
    {
        return [
            // Stays the same when the event comes again, so that what is broadcast meanwhile keeps its id.
            'uuid' => "{$this->delivery->topic}/{$this->member('source')}/{$this->getJobId()}",
            'displayName' => $this->event === null ? $this->delivery->topic : "{$this->delivery->topic} {$this->event}",
            'job' => EnvelopeHandler::class.'@handle',
            'data' => [],
        ];
    }

    /**
     * Get the same as JSON.
     *
     * @return string
     */
    public function getRawBody()
    {
        return json_encode($this->payload(), JSON_THROW_ON_ERROR);
    }

    /**
     * Get a member of the envelope that is text.
     */
    protected function member(string $name): string
    {
        return is_string($this->envelope[$name] ?? null) ? $this->envelope[$name] : '';
    }
}
