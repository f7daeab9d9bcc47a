<?php

namespace HmsSync\Gateway;

/**
 * What became of one event of a lease, or of neighbouring ones: ack, nack, term, release or extend.
 */
final class Settle
{
    /**
     * Create a new settle.
     *
     * @param  string  $lease  the lease; an event's token is "<lease>.<index>"
     * @param  int  $first  index of the first event
     * @param  int  $last  index of the last event
     * @param  int|null  $delayMs  nack: milliseconds until the event comes again, null for the consumer's own backoff
     * @param  string|null  $reason  nack and term: why, without any of the payload
     */
    public function __construct(
        public readonly string $topic,
        public readonly string $lease,
        public readonly string $action,
        public readonly int $first,
        public readonly int $last,
        public readonly ?int $delayMs = null,
        public readonly ?string $reason = null,
    ) {
        //
    }

    /**
     * Get one settle for this and the next event, null when the two cannot be told in one.
     */
    public function joinedWith(self $next): ?self
    {
        $joins = $next->topic === $this->topic && $next->lease === $this->lease && $next->action === $this->action
            && $next->first === $this->last + 1 && $next->delayMs === $this->delayMs && $next->reason === $this->reason;

        return $joins
            ? new self($this->topic, $this->lease, $this->action, $this->first, $next->last, $this->delayMs, $this->reason)
            : null;
    }

    /**
     * Get the tokens of the events for which the bus did not do what was asked: their lease was over.
     *
     * @param  list<array{token: string, to?: int, result: string}>  $answers
     * @return list<string>
     */
    public static function refused(array $answers): array
    {
        $tokens = [];

        foreach ($answers as $answer) {
            if ($answer['result'] !== 'ok') {
                $dot = (int) strrpos($answer['token'], '.');
                $first = (int) substr($answer['token'], $dot + 1);

                foreach (range($first, $answer['to'] ?? $first) as $index) {
                    $tokens[] = substr($answer['token'], 0, $dot).'.'.$index;
                }
            }
        }

        return $tokens;
    }

    /**
     * Get the members of the request.
     *
     * @return array<string, string|int>
     */
    public function toArray(): array
    {
        return array_filter([
            'topic' => $this->topic,
            'token' => "{$this->lease}.{$this->first}",
            'to' => $this->last,
            'action' => $this->action,
            'delay_ms' => $this->delayMs,
            'reason' => $this->reason,
        ], fn (string|int|null $value) => $value !== null);
    }
}
