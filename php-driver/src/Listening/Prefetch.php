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
     * Most events that are fetched at once, and how much work may wait here (seconds).
     */
    protected const MOST = 500;

    protected const WORK_AT_HAND = 2.0;

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
     * Hold newly leased events.
     *
     * @param  list<Delivery>  $deliveries
     */
    public function hold(array $deliveries, float $now): void
    {
        [$this->waiting, $this->next] = [$deliveries, 0];
        $this->leasedAt = $this->startedAt = $now;
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
     * Get how many events to fetch: one at first, then as many as the last ones' pace handles in the time at hand.
     */
    public function size(float $now): int
    {
        $handled = count($this->waiting);

        if ($handled > 0 && $this->isEmpty()) {
            $each = max($now - $this->startedAt, 0.000001) / $handled;
            $this->size = (int) max(1, min(self::MOST, $this->size * 4, self::WORK_AT_HAND / $each));
            $this->waiting = [];
        }

        return $this->size;
    }

    /**
     * Determine whether the leases of the waiting have lasted a third of their time.
     */
    public function needsExtension(float $now): bool
    {
        return ! $this->isEmpty() && $now - $this->leasedAt > $this->ackWait / 3;
    }

    /**
     * Determine whether the leases of the waiting are over, or may be before an answer could come.
     */
    public function isOver(float $now): bool
    {
        return ! $this->isEmpty() && $now - $this->leasedAt > $this->ackWait * 0.9;
    }

    /**
     * Note that the leases were extended, but for those events that were lost meanwhile.
     *
     * @param  list<string>  $lost  tokens
     */
    public function extended(float $now, array $lost): void
    {
        $this->leasedAt = $now;

        if ($lost !== []) {
            $lost = array_flip($lost);
            $this->waiting = array_values(array_filter(
                array_slice($this->waiting, $this->next),
                fn (Delivery $delivery) => ! isset($lost["{$delivery->lease}.{$delivery->index}"])
            ));
            $this->next = 0;
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
     * Forget the waiting events.
     */
    public function forget(): void
    {
        [$this->waiting, $this->next] = [[], 0];
    }
}
