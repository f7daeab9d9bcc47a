<?php

namespace HmsSync\Outbox;

use DateTimeInterface;
use HmsSync\Broadcasting\Forwarding;
use HmsSync\Redis\IntakeStream;
use Illuminate\Contracts\Config\Repository;
use Illuminate\Contracts\Redis\Factory as Redis;
use Illuminate\Support\Facades\Date;
use Throwable;

/**
 * Sends the rows of an outbox to the bus, in the order of their ids, and marks them.
 *
 * A row may be sent twice, when a relay dies between sending and marking; its id is the same then and the bus takes
 * it once. It is never marked without having been sent.
 */
class Relay
{
    /**
     * The most bytes of payload that are read, and sent in one round trip, at a time.
     */
    protected const BYTES = 2_000_000;

    /**
     * A batch of fewer rows than this was not cut at the bytes, unless its rows are enormous: it was the last one.
     */
    protected const FEW = 10;

    /**
     * How long nobody tries again after Redis could not be reached, in milliseconds.
     */
    protected const PAUSE = 2_000;

    /**
     * How many rows are deleted at a time.
     */
    protected const PRUNE = 1_000;

    /**
     * Create a new instance.
     *
     * @param  int  $batch  how many rows are sent at a time
     */
    public function __construct(
        protected Redis $redis,
        protected Forwarding $forwarding,
        protected Repository $config,
        protected int $batch = 500,
    ) {
        //
    }

    /**
     * Get a relay that sends so many rows at a time.
     */
    public function withBatch(int $batch): self
    {
        return new self($this->redis, $this->forwarding, $this->config, $batch);
    }

    /**
     * Send what is there, so many batches at most, unless another relay is at it.
     *
     * @param  callable(): bool|null  $stop  asked between batches
     */
    public function run(OutboxTable $table, int $batches, ?callable $stop = null): RelayOutcome
    {
        $lease = $table->lease();

        if (! $table->hasUnsent()) {
            return new RelayOutcome;
        }

        if (! $lease->acquire()) {
            return new RelayOutcome(busy: true);
        }

        try {
            $outcome = $this->send($table, $lease, $batches, $stop ?? fn () => false);
        } catch (Throwable $e) {
            $lease->release();

            throw $e;
        }

        $lease->release($outcome->failure === null ? 0 : self::PAUSE);

        // A row that was written just before the lease was given back belongs to nobody else: its writer found the
        // lease taken.
        return $outcome->failure === null && ! $outcome->more && $batches > 1 && $table->hasUnsent()
            ? $this->add($outcome, $this->run($table, $batches - 1, $stop))
            : $outcome;
    }

    /**
     * Send rows again that were sent within a period. Ids make it harmless.
     *
     * @return int how many rows were sent
     *
     * @throws \Illuminate\Broadcasting\BroadcastException when the bus did not take one
     */
    public function again(OutboxTable $table, DateTimeInterface $from, DateTimeInterface $until): int
    {
        [$sent, $last] = [0, 0];

        while ($rows = $table->relayedBetween($from, $until, $last, $this->batch, self::BYTES)) {
            foreach ($this->byRedis($rows) as $redis => $group) {
                $this->stream($redis)->appendAll(array_map(fn (OutboxRow $row) => $row->fields, $group));
            }

            $sent += count($rows);
            $last = end($rows)->id;
        }

        return $sent;
    }

    /**
     * Delete rows that were sent longer ago than they are kept.
     *
     * @param  int  $chunks  how many thousand rows at most
     */
    public function prune(OutboxTable $table, int $chunks): int
    {
        $before = Date::now()->subHours((int) $this->config->get('hms-sync.outbox.keep_hours', 168));

        for ($deleted = 0; $chunks > 0; $chunks--) {
            $deleted += $last = $table->prune($before, self::PRUNE);

            if ($last < self::PRUNE) {
                break;
            }
        }

        return $deleted;
    }

    /**
     * Send batch after batch.
     */
    protected function send(OutboxTable $table, RelayLease $lease, int $batches, callable $stop): RelayOutcome
    {
        [$sent, $refused, $failure, $away] = [0, 0, null, []];

        for ($left = $batches; $left > 0 && $rows = $table->next($this->batch, self::BYTES, $away); $left--) {
            foreach ($this->byRedis($rows) as $redis => $group) {
                $batch = new RelayBatch($table, $this->stream($redis), $this->forwarding);
                $batch->send($group);

                $sent += $batch->sent;
                $refused += $batch->refused;

                if ($batch->failure !== null) {
                    $failure = $batch->failure;
                    $away[] = (string) $redis;
                }
            }

            if ($stop() || ! $lease->renew()) {
                return new RelayOutcome($sent, $refused, true, $failure);
            }

            if ($failure === null && $refused === 0 && count($rows) < min($this->batch, self::FEW)) {
                break;
            }
        }

        return new RelayOutcome($sent, $refused, $left === 0, $failure);
    }

    /**
     * Group rows by the Redis they go to.
     *
     * @param  list<OutboxRow>  $rows
     * @return array<string, non-empty-list<OutboxRow>>
     */
    protected function byRedis(array $rows): array
    {
        $groups = [];

        foreach ($rows as $row) {
            $groups[$row->redis][] = $row;
        }

        return $groups;
    }

    /**
     * Get the intake stream behind a Redis connection.
     */
    protected function stream(string $redis): IntakeStream
    {
        return new IntakeStream($this->redis, $redis);
    }

    /**
     * Add up two runs.
     */
    protected function add(RelayOutcome $first, RelayOutcome $second): RelayOutcome
    {
        return new RelayOutcome(
            $first->sent + $second->sent, $first->refused + $second->refused, $second->more, $second->failure, $second->busy
        );
    }
}
