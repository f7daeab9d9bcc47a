<?php

namespace HmsSync\Tests\Gateway;

use HmsSync\Gateway\Pulled;
use JsonException;
use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\TestCase;
use UnexpectedValueException;

class PulledTest extends TestCase
{
    private const LEASE = [
        'topic' => 't', 'lease' => 'r1.1', 'attempt' => 1, 'ack_wait_ms' => 30_000, 'indexes' => [[0, 1], [4, 4]], 'lengths' => [2, 0, 3],
    ];

    public function test_a_whole_answer_is_read_event_by_event(): void
    {
        $pulled = Pulled::fromFrame(self::frame([self::LEASE], '{}{ }'));

        self::assertSame([[0, '{}'], [1, ''], [4, '{ }']], array_map(fn ($delivery) => [$delivery->index, $delivery->envelope], $pulled->deliveries));
    }

    #[DataProvider('malformed')]
    public function test_a_malformed_answer_is_refused_and_its_words_tell_no_payload(string $frame): void
    {
        $before = memory_get_usage();

        try {
            Pulled::fromFrame($frame);
            self::fail('it was taken');
        } catch (JsonException|UnexpectedValueException $e) {
            self::assertStringNotContainsString('bad-input-marker', $e->getMessage());
            self::assertLessThan(20_000_000, memory_get_usage() - $before);
        }
    }

    /**
     * @return iterable<string, array{string}>
     */
    public static function malformed(): iterable
    {
        yield 'nothing' => [''];
        yield 'text' => ['bad-input-marker'];
        yield 'a page' => ["<html>\nbad-input-marker</html>"];
        yield 'bytes that are no UTF-8' => ["\xff\xfe\n"];
        yield 'a number' => ["7\n"];
        yield 'null' => ["null\n"];
        yield 'text in JSON' => ["\"bad-input-marker\"\n"];
        yield 'an empty object' => ["{}\n"];
        yield 'no settles' => ['{"leases":[]}'."\n"];
        yield 'leases that are text' => ['{"leases":"bad-input-marker","settled":[]}'."\n"];
        yield 'a lease that is text' => [self::frame(['bad-input-marker'])];
        yield 'a lease that is null' => [self::frame([null])];
        yield 'settles that are a number' => ['{"leases":[],"settled":7}'."\n"];
        yield 'a settle that is text' => ['{"leases":[],"settled":["bad-input-marker"]}'."\n"];
        yield 'a settle without a result' => ['{"leases":[],"settled":[{"topic":"t","token":"r1.1.0"}]}'."\n"];
        yield 'a million levels' => [str_repeat('[', 1_000_000).str_repeat(']', 1_000_000)."\n"];
        yield 'a line without an end' => ['{"leases":[],"settled":[]}'];
        yield 'more bytes than the lengths say' => [self::frame([self::LEASE], '{}{ }bad-input-marker')];
        yield 'fewer bytes than the lengths say' => [self::frame([self::LEASE], '{}')];

        foreach (array_keys(self::LEASE) as $member) {
            yield "no {$member}" => [self::frame([array_diff_key(self::LEASE, [$member => 1])], '{}{ }')];
            yield "{$member} that is an object" => [self::frame([[$member => ['a' => 'bad-input-marker']] + self::LEASE], '{}{ }')];
        }

        foreach ([[[0, 999_999_999]], [[1, 0]], [[-1, 1]], [['0', '2']], [[0]], [0, 2], [[0, 1]], [[0, 3]]] as $indexes) {
            yield 'the indexes '.json_encode($indexes) => [self::frame([['indexes' => $indexes] + self::LEASE], '{}{ }')];
        }

        foreach ([[2, -2, 5], [2, '0', 3], [2, 0.0, 3], [2, 3], [2, 0, 3, 0], [PHP_INT_MAX, 0, 3]] as $lengths) {
            yield 'the lengths '.json_encode($lengths, JSON_PRESERVE_ZERO_FRACTION) => [self::frame([['lengths' => $lengths] + self::LEASE], '{}{ }')];
        }
    }

    /**
     * @param  list<mixed>  $leases
     */
    private static function frame(array $leases, string $bodies = ''): string
    {
        return json_encode(['leases' => $leases, 'settled' => []], JSON_THROW_ON_ERROR | JSON_PRESERVE_ZERO_FRACTION)."\n{$bodies}";
    }
}
