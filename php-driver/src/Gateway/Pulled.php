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
     * @throws UnexpectedValueException when the envelopes are not: half of one would look like one that is wrong
     */
    public static function fromFrame(string $frame): self
    {
        $end = strpos($frame, "\n");
        $head = json_decode(substr($frame, 0, $end === false ? strlen($frame) : $end), true, 16, JSON_THROW_ON_ERROR);

        $deliveries = [];
        $offset = $end === false ? strlen($frame) + 1 : $end + 1;

        foreach ($head['leases'] as $lease) {
            foreach (self::indexes($lease['indexes']) as $at => $index) {
                $deliveries[] = new Delivery(
                    $lease['topic'], $lease['lease'], $index, $lease['attempt'], $lease['ack_wait_ms'],
                    substr($frame, $offset, $lease['lengths'][$at]),
                );
                $offset += $lease['lengths'][$at];
            }
        }

        if ($offset !== strlen($frame)) {
            throw new UnexpectedValueException(sprintf('%d of %d bytes came', strlen($frame), $offset));
        }

        return new self($deliveries, $head['settled']);
    }

    /**
     * Unfold ranges into indexes.
     *
     * @param  list<array{int, int}>  $ranges  inclusive, ascending
     * @return list<int>
     */
    private static function indexes(array $ranges): array
    {
        return array_merge(...array_map(fn (array $range) => range($range[0], $range[1]), $ranges));
    }
}
