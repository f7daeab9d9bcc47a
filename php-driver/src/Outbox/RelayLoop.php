<?php

namespace HmsSync\Outbox;

use Illuminate\Contracts\Cache\Factory as Cache;
use Psr\Log\LoggerInterface;
use Throwable;

/**
 * Runs the relay again and again, with the manners of Laravel's queue worker.
 */
class RelayLoop
{
    /**
     * How many batches are sent before the loop looks at its limits and at the other outboxes.
     */
    protected const BATCHES = 20;

    /**
     * The longest wait after a failure, in seconds.
     */
    protected const MAX_BACKOFF = 30;

    /**
     * How often old rows are deleted and the order to restart is looked for, in seconds.
     */
    protected const CHORES = 5;

    /**
     * Whether the loop was told to stop.
     */
    protected bool $stopped = false;

    /**
     * How many rounds in a row have failed.
     */
    protected int $failures = 0;

    /**
     * When the outage began.
     */
    protected float $failingSince = 0.0;

    /**
     * When the chores were done last.
     */
    protected float $choresDone = 0.0;

    /**
     * Create a new instance.
     */
    public function __construct(
        protected Relay $relay,
        protected OutboxConnections $connections,
        protected Cache $cache,
        protected LoggerInterface $log,
    ) {
        //
    }

    /**
     * Stop after the batch in hand.
     */
    public function stop(): void
    {
        $this->stopped = true;
    }

    /**
     * Send what is there until one of the limits is reached.
     *
     * @return int the exit code
     */
    public function run(RelayOptions $options): int
    {
        $relay = $this->relay->withBatch($options->batch);
        $tables = $this->connections->tables($options->databases);
        $started = microtime(true);
        $restart = $this->restartOrder();

        while (! $this->stopped) {
            $round = $this->round($relay, $tables, $options->once ? 1 : self::BATCHES);

            $this->chores($relay, $tables, $restart);

            if ($options->once || ($options->stopWhenEmpty && ($round->failure !== null || ! ($round->more || $round->busy)))) {
                return $round->failure === null ? 0 : 1;
            }

            if (memory_get_usage(true) / 1024 / 1024 >= $options->memory) {
                return 12;
            }

            $left = $options->maxTime > 0 ? $started + $options->maxTime - microtime(true) : INF;

            if ($left <= 0) {
                return 0;
            }

            if (! $round->more || $round->failure !== null) {
                $this->wait(min($left, $round->failure === null ? $options->sleep : $this->backoff()));
            }
        }

        return 0;
    }

    /**
     * Go once over all outboxes.
     *
     * @param  list<OutboxTable>  $tables
     */
    protected function round(Relay $relay, array $tables, int $batches): RelayOutcome
    {
        [$sent, $refused, $more, $failure, $busy] = [0, 0, false, null, false];

        foreach ($tables as $table) {
            try {
                $outcome = $relay->run($table, $batches, fn () => $this->stopped);
            } catch (Throwable $e) {
                $outcome = new RelayOutcome(failure: $e);
            }

            $sent += $outcome->sent;
            $refused += $outcome->refused;
            $more = $more || $outcome->more;
            $failure ??= $outcome->failure;
            $busy = $busy || $outcome->busy;
        }

        $this->note($failure, $busy);

        return new RelayOutcome($sent, $refused, $more, $failure, $busy);
    }

    /**
     * Log the beginning and the end of an outage, once each.
     */
    protected function note(?Throwable $failure, bool $busy): void
    {
        if ($failure !== null && $this->failures++ === 0) {
            $this->failingSince = microtime(true);
            $this->log->error('HMS-Sync: the outbox cannot be relayed; its rows wait, and the relay tries again. '.$failure->getMessage());
        }

        if ($failure === null && ! $busy && $this->failures > 0) {
            $this->log->info(sprintf('HMS-Sync: the outbox is relayed again after %d seconds.', microtime(true) - $this->failingSince));
            $this->failures = 0;
        }
    }

    /**
     * Delete old rows, and stop when queue workers were told to restart.
     *
     * @param  list<OutboxTable>  $tables
     */
    protected function chores(Relay $relay, array $tables, mixed $restart): void
    {
        if (microtime(true) - $this->choresDone < self::CHORES) {
            return;
        }

        $this->choresDone = microtime(true);

        if ($this->restartOrder() !== $restart) {
            $this->stop();
        }

        foreach ($tables as $table) {
            try {
                $relay->prune($table, 10);
            } catch (Throwable $e) {
                $this->note($e, false);
            }
        }
    }

    /**
     * Get when queue workers were last told to restart. A cache that does not answer must not end a relay.
     */
    protected function restartOrder(): mixed
    {
        try {
            return $this->cache->store()->get('illuminate:queue:restart');
        } catch (Throwable) {
            return null;
        }
    }

    /**
     * Get how long to wait after so many failures, in seconds, a little different each time.
     */
    protected function backoff(): float
    {
        return min(self::MAX_BACKOFF, 0.5 * 2 ** min($this->failures, 10)) * random_int(80, 100) / 100;
    }

    /**
     * Wait, but not when told to stop meanwhile: a signal ends the wait.
     */
    protected function wait(float $seconds): void
    {
        if (! $this->stopped && $seconds > 0) {
            usleep((int) ($seconds * 1_000_000));
        }
    }
}
