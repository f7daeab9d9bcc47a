<?php

namespace HmsSync\Tests\Inbound;

use HmsSync\Inbound\Envelope;
use HmsSync\Inbound\Undeliverable;
use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\TestCase;

class EnvelopeTest extends TestCase
{
    public function test_every_member_of_the_wire_is_there(): void
    {
        $text = Envelopes::text([
            'subject' => '42', 'traceparent' => '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', 'origin' => 'ehr-clinic',
            'time' => '2024-04-23T10:02:11.5-05:00', 'qos' => 'exactly_once', 'unknown' => [1],
        ], '{"inspectionId":42,"empty":{},"big":9223372036854775808}');

        $envelope = Envelope::fromJson($text);

        self::assertSame('agency.notices', $envelope->topic);
        self::assertSame(1, $envelope->version);
        self::assertSame(['inspectionId' => 42, 'empty' => [], 'big' => 9223372036854775808.0], $envelope->payload);
        self::assertTrue($envelope->isExactlyOnce());
        self::assertSame('2024-04-30T15:02:11+00:00', $envelope->replayableUntil->utc()->format('c'));
        self::assertSame('0190b0a4-0000-7000-8000-000000000001', $envelope->id);
        self::assertSame('city-health', $envelope->source);
        self::assertSame('notice.sent', $envelope->type);
        self::assertSame('2024-04-23T15:02:11.500000Z', $envelope->time->toISOString());
        self::assertSame('42', $envelope->subject);
        self::assertSame('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', $envelope->traceparent);
        self::assertSame('ehr-clinic', $envelope->origin);
        self::assertSame('ehr-clinic,city-health', $envelope->lineage());
        self::assertSame($text, $envelope->json);
    }

    public function test_members_that_the_bus_may_leave_out_are_null_or_empty(): void
    {
        $envelope = Envelope::fromJson(Envelopes::text());

        self::assertNull($envelope->subject);
        self::assertNull($envelope->traceparent);
        self::assertSame('', $envelope->origin);
        self::assertFalse($envelope->isExactlyOnce());
    }

    public function test_it_survives_the_serialization_of_a_queued_listener(): void
    {
        $envelope = Envelope::fromJson(Envelopes::text());

        self::assertEquals($envelope, unserialize(serialize($envelope)));
    }

    #[DataProvider('whatIsNoEnvelope')]
    public function test_what_is_no_envelope_can_never_be_handled_and_is_not_shown(string $text, string $reason): void
    {
        try {
            Envelope::fromJson($text);
            self::fail('it was taken for an envelope');
        } catch (Undeliverable $e) {
            self::assertStringContainsString($reason, $e->getMessage());
            self::assertStringNotContainsString('secret', $e->getMessage());
        }
    }

    /**
     * @return iterable<string, array{string, string}>
     */
    public static function whatIsNoEnvelope(): iterable
    {
        yield 'nothing' => ['', 'cannot be read as JSON'];
        yield 'cut off' => [substr(Envelopes::text(), 0, -5), 'cannot be read as JSON'];
        yield 'bad UTF-8' => [str_replace('notice', "\xff", Envelopes::text()), 'cannot be read as JSON'];
        yield 'serialized PHP' => ['O:8:"stdClass":0:{}', 'cannot be read as JSON'];
        yield 'a list' => ['["secret"]', 'not a JSON object'];
        yield 'a text' => ['"secret"', 'not a JSON object'];
        yield 'no topic' => [Envelopes::text(['topic' => null]), '[topic] is missing'];
        yield 'topic empty' => [Envelopes::text(['topic' => '']), '[topic] is not a text'];
        yield 'version a text' => [Envelopes::text(['version' => '1']), '[version] is not an integer'];
        yield 'payload a list' => [Envelopes::text(payload: '["secret"]'), '[payload] is not an object'];
        yield 'payload a text' => [Envelopes::text(payload: '"secret"'), '[payload] is not an object'];
        yield 'qos unknown' => [Envelopes::text(['qos' => 'secret']), '[qos] is not at_least_once or exactly_once'];
        yield 'id a number' => [Envelopes::text(['id' => 7]), '[id] is not a text'];
        yield 'time local' => [Envelopes::text(['time' => '2024-04-23 15:02:11']), '[time] is not a date-time of RFC 3339'];
        yield 'origin no names' => [Envelopes::text(['origin' => 'The Secret']), '[origin] is not names'];
        yield 'nested too deep' => [Envelopes::text(payload: self::nested(65)), 'Maximum stack depth exceeded'];
    }

    public function test_a_payload_may_be_nested_as_deep_as_the_bus_allows(): void
    {
        self::assertArrayHasKey('a', Envelope::fromJson(Envelopes::text(payload: self::nested(64)))->payload);
    }

    private static function nested(int $levels): string
    {
        return str_repeat('{"a":', $levels).'1'.str_repeat('}', $levels);
    }
}
