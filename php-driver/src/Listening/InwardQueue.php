<?php

namespace HmsSync\Listening;

use Illuminate\Contracts\Queue\Queue as QueueContract;
use Illuminate\Queue\Queue;
use LogicException;

/**
 * A queue that is only worked: nothing can be pushed onto it, and it does not know how much is owed (hms-sync status
 * does).
 */
abstract class InwardQueue extends Queue implements QueueContract
{
    /**
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
        throw $this->refusal();
    }

    /**
     * @param  string  $payload
     * @param  string|null  $queue
     * @param  array<string, mixed>  $options
     * @return never
     */
    public function pushRaw($payload, $queue = null, array $options = [])
    {
        throw $this->refusal();
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
        throw $this->refusal();
    }

    /**
     * Create the exception for a job that somebody pushes here.
     */
    protected function refusal(): LogicException
    {
        return new LogicException('HMS-Sync: the queue connection [hms-sync] only brings events in. Broadcast an event to send one out.');
    }
}
