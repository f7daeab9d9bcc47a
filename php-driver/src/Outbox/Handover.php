<?php

namespace HmsSync\Outbox;

use Illuminate\Container\Container;
use Illuminate\Contracts\Config\Repository;
use Illuminate\Contracts\Queue\Job;
use Illuminate\Database\DatabaseTransactionsManager;
use Illuminate\Queue\Queue;

/**
 * Leaves an event that is in the outbox to Laravel for its other connections, and sees to it that Laravel does not
 * broadcast it over the bus as well.
 */
class Handover
{
    /**
     * The member of a job's payload that says so.
     */
    public const KEY = 'hmsSyncInOutbox';

    /**
     * Whether an event is being left to Laravel.
     */
    protected bool $active = false;

    /**
     * Create a new instance.
     */
    public function __construct(protected Repository $config, protected DatabaseTransactionsManager $transactions)
    {
        //
    }

    /**
     * Have every job that is queued while an event is left to Laravel say so.
     *
     * The queue keeps such callbacks for the life of the process, whichever application it serves next; hence the
     * container's, and not that of this one.
     */
    public static function mark(): void
    {
        Queue::createPayloadUsing(
            static fn () => Container::getInstance()->make(self::class)->active ? [self::KEY => true] : []
        );
    }

    /**
     * Leave an event to Laravel.
     *
     * @param  callable(): mixed  $queue
     */
    public function leave(object $event, callable $queue): void
    {
        $work = function () use ($queue) {
            $before = $this->active;
            $this->active = true;

            try {
                $queue();
            } finally {
                $this->active = $before;
            }
        };

        $this->isMadeAfterCommit($event) ? $this->transactions->addCallback($work) : $work();
    }

    /**
     * Determine whether what is being broadcast is in the outbox.
     *
     * @param  Job|null  $job  the queue job whose only task is this broadcast
     */
    public function covers(?Job $job): bool
    {
        return $job === null ? $this->active : ($job->payload()[self::KEY] ?? false) === true;
    }

    /**
     * Determine whether the sync queue would make the job when the transaction is over, and this is forgotten.
     */
    protected function isMadeAfterCommit(object $event): bool
    {
        $queue = $event->connection ?? $this->config->get('queue.default');

        return $this->config->get("queue.connections.{$queue}.driver") === 'sync'
            && ($event->afterCommit ?? $this->config->get("queue.connections.{$queue}.after_commit", false));
    }
}
