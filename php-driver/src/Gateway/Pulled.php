<?php

namespace HmsSync\Gateway;

use JsonException;
use UnexpectedValueException;

/**
 * The answer to a pull: events on lease, and what became of the settles that rode along.
 */
final class Pulled
{
    /**
     * Create a new answer.
     *
     * @param  list<Delivery>  $deliveries
     * @param  list<array{topic: string, token: string, to?: int, result: string}>  $settled  result: ok, stale or unknown
     */
    public function __construct(public readonly array $deliveries, public readonly array $settled)
    {
        //
    }

    /**
     * Read the gateway's framed form: a line of JSON with leases and lengths, then the envelopes one after another.
     *
     * @throws JsonException when the line is not whole
     * @throws UnexpectedValueException when it is of another form, or the envelopes are not whole: half of one would look
     *                                  like one that is wrong
     */
    public static function fromFrame(string $frame): self
    {
        $end = strpos($frame, "\n");
        $head = json_decode(substr($frame, 0, $end === false ? strlen($frame) : $end), true, 16, JSON_THROW_ON_ERROR);

        if (! is_array($head) || ! is_array($leases = $head['leases'] ?? null) || ! is_array($settled = $head['settled'] ?? null)) {
            throw new UnexpectedValueException('no leases and settles in its first line');
        }

        $deliveries = [];
        $offset = $end === false ? strlen($frame) + 1 : $end + 1;

        foreach ($leases as $lease) {
            foreach (self::events($lease) as [$index, $length]) {
                if ($length > strlen($frame) - $offset) {
                    throw new UnexpectedValueException('fewer bytes came than the envelopes have');
                }

                $deliveries[] = new Delivery(
                    $lease['topic'], $lease['lease'], $index, $lease['attempt'], $lease['ack_wait_ms'], substr($frame, $offset, $length),
                );
                $offset += $length;
            }
        }

        if ($offset !== strlen($frame)) {
            throw new UnexpectedValueException(sprintf('%d of %d bytes came', strlen($frame), $offset));
        }

        return new self($deliveries, self::settles($settled));
    }

    /**
     * Get index and length of each event of a lease.
     *
     * @return list<array{int, int}>
     *
     * @phpstan-assert array{topic: string, lease: string, attempt: int, ack_wait_ms: int} $lease
     *
     * @throws UnexpectedValueException
     */
    private static function events(mixed $lease): array
    {
        if (! is_array($lease) || ! is_string($lease['topic'] ?? null) || ! is_string($lease['lease'] ?? null)
            || ! is_int($lease['attempt'] ?? null) || ! is_int($lease['ack_wait_ms'] ?? null)
            || ! is_array($ranges = $lease['indexes'] ?? null) || ! is_array($lengths = $lease['lengths'] ?? null)) {
            throw new UnexpectedValueException('a lease without its members');
        }

        $events = [];

        foreach ($ranges as $range) {
            [$from, $to] = is_array($range) ? [$range[0] ?? null, $range[1] ?? null] : [null, null];

            // No longer than there are lengths: unfolded first, a range of a billion would fill the memory.
            if (! is_int($from) || ! is_int($to) || $from < 0 || $to < $from || $to - $from >= count($lengths)) {
                throw new UnexpectedValueException('a lease with a broken range');
            }

            for ($index = $from; $index <= $to; $index++) {
                $length = $lengths[count($events)] ?? null;
                $events[] = is_int($length) && $length >= 0 ? [$index, $length] : throw new UnexpectedValueException('an event without its length');
            }
        }

        return count($events) === count($lengths) ? $events : throw new UnexpectedValueException('a lease with more lengths than events');
    }

    /**
     * Check what became of the settles.
     *
     * @param  array<mixed>  $settled
     * @return list<array{topic: string, token: string, to?: int, result: string}>
     *
     * @throws UnexpectedValueException
     */
    private static function settles(array $settled): array
    {
        $answers = [];

        foreach ($settled as $answer) {
            if (! is_array($answer) || ! is_string($answer['topic'] ?? null) || ! is_string($answer['token'] ?? null)
                || ! is_string($answer['result'] ?? null) || ! is_int($answer['to'] ?? 0)) {
                throw new UnexpectedValueException('a settle without its members');
            }

            $answers[] = $answer;
        }

        return $answers;
    }
}
