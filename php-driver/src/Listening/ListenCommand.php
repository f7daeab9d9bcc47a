<?php

namespace HmsSync\Listening;

use HmsSync\Gateway\GatewayException;
use HmsSync\Inbound\InboundEvents;
use Illuminate\Contracts\Cache\Repository as Cache;
use Illuminate\Queue\Console\WorkCommand;
use Illuminate\Queue\Events\JobFailed;
use Illuminate\Queue\Events\JobProcessed;
use Illuminate\Queue\Events\JobProcessing;
use Illuminate\Queue\Events\JobReleasedAfterException;
use Illuminate\Queue\Events\JobTimedOut;
use Illuminate\Queue\Worker;
use Illuminate\Queue\WorkerOptions;
use Symfony\Component\Console\Attribute\AsCommand;
use Symfony\Component\Console\Terminal;

/**
 * Brings external events into the application: pulls what the bus owes it, dispatches each as a Laravel event and
 * settles it. Laravel's own queue worker does the work, with the options and manners of queue:work.
 */
#[AsCommand(name: 'hms-sync:listen')]
class ListenCommand extends WorkCommand
{
    /**
     * How long the worker sleeps between two polls, which wait by themselves, and in maintenance mode (seconds).
     */
    protected const SLEEP = 0.1;

    /**
     * What Laravel's worker tells of an event, and what that is called in the output.
     */
    protected const TOLD = [
        JobProcessing::class => 'starting',
        JobProcessed::class => 'success',
        JobReleasedAfterException::class => 'released_after_exception',
        JobFailed::class => 'failed',
    ];

    protected $signature = 'hms-sync:listen
                            {--topic= : Topics to listen to, separated by commas; all that this application consumes unless given}
                            {--name=hms-sync : The name of the worker}
                            {--once : Handle only the next event}
                            {--stop-when-empty : Stop when nothing is owed}
                            {--max-jobs=0 : The number of events to handle before stopping}
                            {--max-time=0 : The number of seconds to run}
                            {--force : Run even in maintenance mode}
                            {--memory=128 : The memory limit in megabytes}
                            {--rest=0 : The number of seconds to rest between events}
                            {--timeout= : The number of seconds one event may take; five sixths of the consumer\'s ack_wait unless given}
                            {--json : Print one JSON object a line}';

    protected $description = 'Bring the events of other systems in from the HMS-Sync bus';

    /**
     * Whether this command follows the worker's events: once is enough, however often it is called.
     */
    protected bool $follows = false;

    /**
     * Create a new command.
     */
    public function __construct(Worker $worker, Cache $cache, protected GatewayQueue $queue)
    {
        parent::__construct($worker, new RestartMarks($cache, $queue->turn(...)));
    }

    /**
     * Listen until told to stop. Exit codes are those of queue:work (0; 12 when the memory limit was reached; the
     * process is killed when an event takes too long), and 1 when the bus refuses this application or, with --once or
     * --stop-when-empty, cannot be reached.
     *
     * @return int
     */
    public function handle()
    {
        if ($this->downForMaintenance() && $this->option('once')) {
            $this->worker->sleep(1);

            return self::SUCCESS;
        }

        $this->laravel->make(InboundEvents::class)->verify();
        $this->laravel->make('config')->set('queue.connections.hms-sync', ['driver' => 'hms-sync']);
        $this->queue->only($this->topics())->within($this->timeout())->onRefusal($this->quit(...));
        $this->listenForEvents();
        $this->listenForSignals();
        $this->sayWhatGoesOn();

        try {
            $status = (int) $this->runWorker('hms-sync', 'hms-sync');
        } finally {
            $this->queue->close();
        }

        return $this->failed() ?? $status;
    }

    /**
     * Write a line for what becomes of each event, and nothing for the jobs that its listeners run meanwhile. Nothing
     * goes to the failed jobs: the bus has the dead letters.
     *
     * @return void
     */
    protected function listenForEvents()
    {
        if ($this->follows) {
            return;
        }

        $this->follows = true;
        $events = $this->laravel->make('events');

        foreach (self::TOLD as $event => $status) {
            $events->listen($event, function (JobProcessing|JobProcessed|JobReleasedAfterException|JobFailed $event) use ($status) {
                if ($event->job instanceof GatewayJob) {
                    $this->writeOutput($event->job, $status, $event instanceof JobFailed ? $event->exception : null);
                }
            });
        }

        $events->listen(JobTimedOut::class, function (JobTimedOut $event) {
            if ($event->job instanceof GatewayJob) {
                $this->queue->timedOut($event->job);
            }
        });
    }

    /**
     * Stop after the event in hand. The worker heeds most signals itself; but not with --once, and Laravel 11's no
     * SIGINT.
     */
    protected function listenForSignals(): void
    {
        // Called only where there are signals.
        $this->trap(fn () => [SIGINT, SIGTERM, SIGQUIT], fn () => $this->quit());
    }

    /**
     * Have the worker stop after the event in hand.
     */
    protected function quit(): void
    {
        $this->worker->shouldQuit = true;
    }

    /**
     * Tell a developer at a terminal, as queue:work does, what it listens to; and of outages, which the log has too.
     */
    protected function sayWhatGoesOn(): void
    {
        if ($this->outputUsingJson() || ! Terminal::hasSttyAvailable()) {
            return;
        }

        $topics = implode(', ', $this->topics() ?? ['all topics of this application']);
        $this->components->info("Listening to [{$topics}].");
        $this->queue->outage()->tell(fn (string $message) => $this->components->warn($message));
    }

    /**
     * Get the topics asked for.
     *
     * @return list<string>|null
     */
    protected function topics(): ?array
    {
        $topics = array_values(array_filter(array_map(trim(...), explode(',', $this->text('topic')))));

        return $topics === [] ? null : $topics;
    }

    /**
     * Get how long an event may take (seconds), null when the lease is to say.
     */
    protected function timeout(): ?int
    {
        return $this->text('timeout') === '' ? null : (int) $this->text('timeout');
    }

    /**
     * Get an option that takes text.
     */
    protected function text(string $option): string
    {
        $value = $this->option($option);

        return is_string($value) ? $value : '';
    }

    /**
     * Get the exit code of what kept events from coming in, and say what it was.
     */
    protected function failed(): ?int
    {
        $failure = $this->queue->outage()->failure();

        if ($failure === null || ($failure->retryable && ! $this->option('once') && ! $this->option('stop-when-empty'))) {
            return null;
        }

        $this->components->error($this->inWords($failure));

        return self::FAILURE;
    }

    /**
     * Get what the failure means for this command.
     */
    protected function inWords(GatewayException $failure): string
    {
        return match ($failure->gatewayCode) {
            'unauthorized' => $failure->getMessage().' Set HMS_SYNC_TOKEN to a token of this application.',
            default => $failure->getMessage(),
        };
    }

    /**
     * Gather the options of the worker. Attempts are the bus's to count, backoff is the consumer's in topics.yaml, and
     * each event knows its own timeout.
     *
     * @return WorkerOptions
     */
    protected function gatherWorkerOptions()
    {
        $options = new WorkerOptions(
            name: $this->text('name'),
            memory: (int) $this->option('memory'),
            timeout: 0,
            maxTries: 0,
            force: (bool) $this->option('force'),
            stopWhenEmpty: (bool) $this->option('stop-when-empty'),
            maxJobs: (int) $this->option('max-jobs'),
            maxTime: (int) $this->option('max-time'),
            rest: (int) $this->option('rest'),
        );

        // Worker::sleep() takes fractions of a second, the property's docblock notwithstanding.
        $options->sleep = self::SLEEP; // @phpstan-ignore assign.propertyType

        return $options;
    }
}
