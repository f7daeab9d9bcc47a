<?php

namespace HmsSync\Listening;

use HmsSync\Gateway\Delivery;
use HmsSync\Gateway\Settle;

/**
 * Events on lease that wait to be handled, and how many to fetch next. It never holds more than what the pace of the
 * last ones promises to handle soon, so that other workers get their share and no lease runs out here.
 */
class Prefetch
{
    /**
     * Most events that are fetched at once, how much work may wait here (seconds), and how much text (bytes).
     */
    protected const MOST = 500;

    protected const WORK_AT_HAND = 2.0;

    protected const TEXT_AT_HAND = 8_000_000;

    /**
     * The share of its lease that an event may spend waiting here; the rest is for its listeners.
     */
    protected const SHARE = 1 / 6;

    /**
     * @var list<Delivery>
     */
    protected array $waiting = [];

    /**
     * The next event's place among the waiting.
     */
    protected int $next = 0;

    /**
     * When the leases began or were extended, and when the first event was handed out (seconds, monotonic).
     */
    protected float $leasedAt = 0.0;

    protected float $startedAt = 0.0;

    /**
     * The shortest lease of the events (seconds).
     */
    protected float $ackWait = 0.0;

    protected int $size = 1;

    /**
     * The longest of the events (bytes).
     */
    protected int $longest = 1;

    /**
     * Hold newly leased events.
     *
     * @param  list<Delivery>  $deliveries
     */
    public function hold(array $deliveries, float $now): void
    {
        [$this->waiting, $this->next] = [$deliveries, 0];
        $this->leasedAt = $this->startedAt = $now;
        $this->longest = max([1, ...array_map(fn (Delivery $delivery) => strlen($delivery->envelope), $deliveries)]);
        $this->ackWait = min([PHP_INT_MAX, ...array_map(fn (Delivery $delivery) => $delivery->ackWaitMs, $deliveries)]) / 1000;
    }

    /**
     * Get the next event, null when none waits.
     */
    public function take(): ?Delivery
    {
        return $this->waiting[$this->next++] ?? null;
    }

    /**
     * Determine whether none waits.
     */
    public function isEmpty(): bool
    {
        return $this->next >= count($this->waiting);
    }

    /**
     * Get how many events to fetch: one at first, then as many as the last ones' pace handles in the time at hand, and
     * fewer when they are large.
     */
    public function size(float $now): int
    {
        $handled = count($this->waiting);

        if ($handled > 0 && $this->isEmpty()) {
            $this->size = (int) max(1, min(
                self::MOST, $this->size * 4, self::WORK_AT_HAND / $this->pace($now, $handled), self::TEXT_AT_HAND / $this->longest
            ));
            $this->waiting = [];
        }

        return $this->size;
    }

    /**
     * Determine whether the waiting have spent their share of the lease.
     */
    public function needsExtension(float $now): bool
    {
        return ! $this->isEmpty() && $now - $this->leasedAt > $this->ackWait * self::SHARE;
    }

    /**
     * Determine whether the leases of the waiting are over, or may be before an answer could come.
     */
    public function isOver(float $now): bool
    {
        return ! $this->isEmpty() && $now - $this->leasedAt > $this->ackWait * 0.9;
    }

    /**
     * Take those out that the pace of the last ones would not reach in the time at hand.
     *
     * @return list<Delivery>
     */
    public function surplus(float $now): array
    {
        $reached = max(1, (int) (self::WORK_AT_HAND / $this->pace($now, $this->next)));

        return array_splice($this->waiting, $this->next + $reached);
    }

    /**
     * Note that the leases were extended, but for those events that were lost meanwhile.
     *
     * @param  array<string, list<string>>  $lost  tokens by topic
     */
    public function extended(float $now, array $lost): void
    {
        $this->leasedAt = $now;
        $lost = array_map(array_flip(...), array_filter($lost));

        if ($lost !== []) {
            array_splice($this->waiting, $this->next, null, array_filter(
                array_slice($this->waiting, $this->next),
                fn (Delivery $delivery) => ! isset($lost[$delivery->topic]["{$delivery->lease}.{$delivery->index}"])
            ));
        }
    }

    /**
     * Create one settle for each stretch of the waiting events.
     *
     * @return list<Settle>
     */
    public function settleAll(string $action): array
    {
        return Settles::joined(array_map(
            fn (Delivery $delivery) => $delivery->settle($action), array_slice($this->waiting, $this->next)
        ));
    }

    /**
     * Forget the waiting events, and begin with one again: they were more than could be handled.
     */
    public function forget(): void
    {
        [$this->waiting, $this->next, $this->size] = [[], 0, 1];
    }

    /**
     * Get how long each of the last events took (seconds).
     */
    protected function pace(float $now, int $handled): float
    {
        return max($now - $this->startedAt, 0.000001) / max(1, $handled);
    }
}
