<?php

namespace HmsSync\Listening;

use HmsSync\Gateway\GatewayException;
use Illuminate\Contracts\Cache\Repository as Cache;
use Illuminate\Queue\Console\WorkCommand;
use Illuminate\Queue\Events\Looping;
use Illuminate\Queue\Worker;
use Illuminate\Queue\WorkerOptions;
use Symfony\Component\Console\Attribute\AsCommand;

/**
 * Brings external events into the application: pulls what the bus owes it, dispatches each as a Laravel event and
 * settles it. Laravel's own queue worker does the work, with the options and manners of queue:work.
 */
#[AsCommand(name: 'hms-sync:listen')]
class ListenCommand extends WorkCommand
{
    /**
     * Where hms-sync:restart leaves its mark in the cache.
     */
    public const RESTART_KEY = 'hms-sync:restart';

    /**
     * How often the mark is looked for (seconds).
     */
    protected const RESTART_EVERY = 1.0;

    /**
     * How long the worker sleeps between two polls, which wait by themselves, and in maintenance mode (seconds).
     */
    protected const SLEEP = 0.1;

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
                            {--timeout=25 : The number of seconds one event may take; keep it below the consumer\'s ack_wait}
                            {--json : Print one JSON object a line}';

    protected $description = 'Bring the events of other systems in from the HMS-Sync bus';

    /**
     * Create a new command.
     */
    public function __construct(Worker $worker, Cache $cache, protected GatewayQueue $queue)
    {
        parent::__construct($worker, $cache);
    }

    /**
     * Listen until told to stop. Exit codes are those of queue:work (0; 12 when the memory limit was reached; 1 when
     * an event took too long), and 1 when the bus refuses this application or, with --once or --stop-when-empty,
     * cannot be reached.
     *
     * @return int
     */
    public function handle()
    {
        if ($this->downForMaintenance() && $this->option('once')) {
            $this->worker->sleep(1);

            return self::SUCCESS;
        }

        $this->laravel->make('config')->set('queue.connections.hms-sync', ['driver' => 'hms-sync']);
        $this->queue->only($this->topics())->onRefusal(function (): void {
            $this->worker->shouldQuit = true;
        });
        $this->listenForEvents();
        $this->heedRestart();

        try {
            $status = (int) $this->runWorker('hms-sync', 'hms-sync');
        } finally {
            $this->queue->close();
        }

        return $this->failed() ?? $status;
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
     * Get an option that takes text.
     */
    protected function text(string $option): string
    {
        $value = $this->option($option);

        return is_string($value) ? $value : '';
    }

    /**
     * Stop after the event in hand when hms-sync:restart was run since this began.
     */
    protected function heedRestart(): void
    {
        $mark = $this->cache->get(self::RESTART_KEY);
        $lookedAt = microtime(true);

        $this->laravel->make('events')->listen(Looping::class, function (Looping $event) use ($mark, &$lookedAt) {
            if ($event->connectionName === 'hms-sync' && microtime(true) - $lookedAt >= self::RESTART_EVERY) {
                $lookedAt = microtime(true);
                $this->worker->shouldQuit = $this->worker->shouldQuit || $this->cache->get(self::RESTART_KEY) !== $mark;
            }
        });
    }

    /**
     * Get the exit code of what kept events from coming in, and say what it was.
     */
    protected function failed(): ?int
    {
        $failure = $this->queue->failure();

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
     * Gather the options of the worker. Attempts are the bus's to count, backoff is the consumer's in topics.yaml.
     *
     * @return WorkerOptions
     */
    protected function gatherWorkerOptions()
    {
        $options = new WorkerOptions(
            name: $this->text('name'),
            memory: (int) $this->option('memory'),
            timeout: (int) $this->option('timeout'),
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

    /**
     * Keep dead letters out of the application's failed jobs: the bus has them.
     *
     * @param  \Illuminate\Queue\Events\JobFailed  $event
     * @return void
     */
    protected function logFailedJob($event)
    {
        //
    }
}
