<?php

namespace HmsSync\Queue;

use Illuminate\Contracts\Events\Dispatcher;
use Illuminate\Contracts\Queue\Job;
use Illuminate\Queue\Events\JobAttempted;
use Illuminate\Queue\Events\JobExceptionOccurred;
use Illuminate\Queue\Events\JobProcessed;
use Illuminate\Queue\Events\JobProcessing;
use Illuminate\Queue\Events\Looping;

/**
 * The queue jobs this process is in the middle of. There are several when a job dispatches others on the sync queue.
 */
class RunningJobs
{
    /**
     * The running jobs, the outermost first.
     *
     * @var list<\Illuminate\Contracts\Queue\Job>
     */
    protected array $jobs = [];

    /**
     * How often each content was broadcast since the outermost job began.
     *
     * @var array<string, int>
     */
    protected array $occurrences = [];

    /**
     * Follow the jobs that the queue reports as started and ended.
     */
    public function follow(Dispatcher $events): void
    {
        $events->listen(JobProcessing::class, fn (JobProcessing $event) => $this->start($event->job));

        $events->listen($this->endOfJob(), fn (JobAttempted|JobProcessed|JobExceptionOccurred $event) => $this->finish($event->job));

        $events->listen(Looping::class, fn () => $this->forgetAll());
    }

    /**
     * Get the job that all others run inside, null outside the queue.
     *
     * Its uuid is the one that stays the same when the queue tries again: a job on the sync queue is made anew each time.
     */
    public function outermost(): ?Job
    {
        return $this->jobs[0] ?? null;
    }

    /**
     * Count one more broadcast of this content by the outermost job: 1 for the first.
     */
    public function occurrence(string $content): int
    {
        return $this->occurrences[$content] = ($this->occurrences[$content] ?? 0) + 1;
    }

    /**
     * Note that a job has begun.
     */
    protected function start(Job $job): void
    {
        if ($this->jobs === []) {
            $this->occurrences = [];
        }

        $this->jobs[] = $job;
    }

    /**
     * Note that a job has ended, and with it whatever ran inside it.
     */
    protected function finish(Job $job): void
    {
        $depth = array_search($job, $this->jobs, true);

        if ($depth !== false) {
            array_splice($this->jobs, $depth);
        }
    }

    /**
     * Forget every job: a worker that looks for its next job is inside none.
     */
    protected function forgetAll(): void
    {
        $this->jobs = [];
    }

    /**
     * Get the events that end a job. JobAttempted comes whatever happened, but early releases of Laravel 11 lack it.
     *
     * @return list<class-string>
     */
    protected function endOfJob(): array
    {
        return class_exists(JobAttempted::class)
            ? [JobAttempted::class]
            : [JobProcessed::class, JobExceptionOccurred::class];
    }
}
