<?php

namespace HmsSync\Queue;

use Closure;
use Illuminate\Contracts\Events\Dispatcher;
use Illuminate\Contracts\Queue\Job;
use Illuminate\Queue\Events\JobAttempted;
use Illuminate\Queue\Events\JobExceptionOccurred;
use Illuminate\Queue\Events\JobProcessed;
use Illuminate\Queue\Events\JobProcessing;
use Illuminate\Queue\Events\Looping;
use Illuminate\Queue\Jobs\SyncJob;

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
     * Who is told that a job begins.
     *
     * @var list<\Closure(\Illuminate\Contracts\Queue\Job): mixed>
     */
    protected array $atStart = [];

    /**
     * Who is told that a job has ended.
     *
     * @var list<\Closure(\Illuminate\Contracts\Queue\Job): mixed>
     */
    protected array $atEnd = [];

    /**
     * Follow the jobs that the queue reports as started and ended.
     */
    public function follow(Dispatcher $events): void
    {
        $events->listen(JobProcessing::class, fn (JobProcessing $event) => $this->start($event->job));

        $events->listen([JobAttempted::class, JobProcessed::class, JobExceptionOccurred::class], function (JobAttempted|JobProcessed|JobExceptionOccurred $event) {
            if ($this->endsJob($event)) {
                $this->finish($event->job);
            }
        });

        $events->listen(Looping::class, fn () => $this->finishFrom(0));
    }

    /**
     * Tell these two of every job that begins and of every one that ends, however it ends, the innermost first.
     *
     * @param  \Closure(\Illuminate\Contracts\Queue\Job): mixed  $atStart
     * @param  \Closure(\Illuminate\Contracts\Queue\Job): mixed  $atEnd
     */
    public function observe(Closure $atStart, Closure $atEnd): void
    {
        $this->atStart[] = $atStart;
        $this->atEnd[] = $atEnd;
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

        foreach ($this->atStart as $tell) {
            $tell($job);
        }
    }

    /**
     * Note that a job has ended, and with it whatever ran inside it.
     */
    protected function finish(Job $job): void
    {
        $depth = array_search($job, $this->jobs, true);

        if ($depth !== false) {
            $this->finishFrom($depth);
        }
    }

    /**
     * Note that the jobs from this depth on have ended: all of them for a worker that looks for its next job.
     */
    protected function finishFrom(int $depth): void
    {
        foreach (array_reverse(array_splice($this->jobs, $depth)) as $job) {
            foreach ($this->atEnd as $tell) {
                $tell($job);
            }
        }
    }

    /**
     * Determine whether this is the last that the queue says of a job: JobAttempted comes whatever happened, but early
     * releases of Laravel 11 lack it, and the sync queue of Laravel 11 does not fire it.
     */
    protected function endsJob(JobAttempted|JobProcessed|JobExceptionOccurred $event): bool
    {
        return $event instanceof JobAttempted || $event->job instanceof SyncJob || ! class_exists(JobAttempted::class);
    }
}
