<?php

namespace HmsSync\Inbound;

use Carbon\CarbonImmutable;
use HmsSync\Origin\CurrentOrigin;
use JsonException;

/**
 * One event as the bus delivers it.
 */
final class Envelope
{
    /**
     * How deep the text may be nested: the 64 levels that the bus allows a payload, and the envelope around it.
     */
    public const MAX_DEPTH = 65;

    /**
     * Create a new envelope.
     *
     * @param  string  $topic  the topic, e.g. "inspections.rescheduled"
     * @param  int  $version  the version of the topic's schema that the payload follows
     * @param  array<array-key, mixed>  $payload  the payload's members; objects are arrays, and an integer that PHP
     *                                            cannot hold is a float
     * @param  string  $qos  "at_least_once" or "exactly_once"
     * @param  \Carbon\CarbonImmutable  $replayableUntil  the end of the event's replay window
     * @param  string  $id  unique together with topic and source
     * @param  string  $source  the system that published the event
     * @param  string  $type  what the source calls this kind of event; never the name of a class to build
     * @param  \Carbon\CarbonImmutable  $time  when the source says it happened
     * @param  string|null  $subject  the key in whose order events are delivered
     * @param  string|null  $traceparent  W3C Trace Context
     * @param  string  $origin  the systems the change came through before its source, oldest first, separated by
     *                          commas; empty for none
     * @param  string  $json  the whole envelope as it came
     */
    public function __construct(
        public readonly string $topic,
        public readonly int $version,
        public readonly array $payload,
        public readonly string $qos,
        public readonly CarbonImmutable $replayableUntil,
        public readonly string $id,
        public readonly string $source,
        public readonly string $type,
        public readonly CarbonImmutable $time,
        public readonly ?string $subject,
        public readonly ?string $traceparent,
        public readonly string $origin,
        public readonly string $json,
    ) {
        //
    }

    /**
     * Read the text of an envelope. Members it does not know are left out.
     *
     * @throws \HmsSync\Inbound\Undeliverable when it is not an envelope
     */
    public static function fromJson(string $text): self
    {
        try {
            // json_decode() counts a scalar inside as one more level.
            $members = new EnvelopeMembers(json_decode($text, true, self::MAX_DEPTH + 1, JSON_THROW_ON_ERROR));
        } catch (JsonException $e) {
            throw new Undeliverable("HMS-Sync: the envelope cannot be read as JSON: {$e->getMessage()}.", previous: $e);
        }

        return new self(
            $members->text('topic'), $members->integer('version'), $members->object('payload'), $members->qos('qos'),
            $members->time('replayable_until'), $members->text('id'), $members->text('source'), $members->text('type'),
            $members->time('time'), $members->optionalText('subject'), $members->optionalText('traceparent'),
            $members->origin('origin'), $text,
        );
    }

    /**
     * Determine whether the event must take effect once.
     */
    public function isExactlyOnce(): bool
    {
        return $this->qos === 'exactly_once';
    }

    /**
     * Get the systems that already know of the change: those it came through and its source, separated by commas.
     */
    public function lineage(): string
    {
        return CurrentOrigin::join($this->origin, $this->source);
    }
}
