<?php

namespace HmsSync\Origin;

use HmsSync\Queue\RunningJobs;
use Illuminate\Container\Container;
use Illuminate\Contracts\Queue\Job;
use Illuminate\Queue\Queue;
use WeakMap;

/**
 * Sends the current origin along with every job that is queued, and brings it back while the job runs: what a queued
 * listener broadcasts, or a queued broadcast itself, does not go back to the systems the change came from either.
 */
class JobOrigins
{
    /**
     * The member of a job's payload that has the origin.
     */
    public const KEY = 'hmsSyncOrigin';

    /**
     * The origin before each running job.
     *
     * @var \WeakMap<\Illuminate\Contracts\Queue\Job, string>
     */
    protected WeakMap $before;

    /**
     * Create a new instance.
     */
    public function __construct(protected CurrentOrigin $origin)
    {
        $this->before = new WeakMap;
    }

    /**
     * Give every job that is queued from now on the origin of its time.
     *
     * The queue keeps such callbacks for the life of the process, whichever application it serves next; hence the
     * container's, and not that of this one.
     */
    public static function send(): void
    {
        Queue::createPayloadUsing(static function () {
            $origin = Container::getInstance()->make(CurrentOrigin::class)->get();

            return $origin === '' ? [] : [self::KEY => $origin];
        });
    }

    /**
     * Bring the origin back whenever a job runs. A job without one has none, though it be run in the middle of another.
     */
    public function follow(RunningJobs $jobs): void
    {
        $jobs->observe(
            function (Job $job) {
                $this->before[$job] = $this->origin->swap($this->of($job));
            },
            function (Job $job) {
                $this->origin->swap($this->before[$job] ?? '');
            },
        );
    }

    /**
     * Get the origin of a job. What is no origin counts for none: the bus would reject what the job broadcasts.
     */
    protected function of(Job $job): string
    {
        $origin = $job->payload()[self::KEY] ?? '';

        return is_string($origin) && CurrentOrigin::isValid($origin) ? $origin : '';
    }
}
