<?php

namespace HmsSync\Tests\Inbound;

/**
 * Makes texts of envelopes as the bus writes them.
 */
class Envelopes
{
    /**
     * An envelope on an at_least_once topic, with members replaced, added, or left out (null).
     *
     * @param  array<string, mixed>  $members
     */
    public static function text(array $members = [], string $payload = '{"inspectionId":42}'): string
    {
        $members = array_filter([...[
            'topic' => 'agency.notices', 'version' => 1, 'payload' => '%payload%', 'qos' => 'at_least_once',
            'replayable_until' => '2024-04-30T15:02:11Z', 'id' => '0190b0a4-0000-7000-8000-000000000001', 'source' => 'city-health',
            'type' => 'notice.sent', 'time' => '2024-04-23T15:02:11Z',
        ], ...$members], fn (mixed $value) => $value !== null);

        return str_replace('"%payload%"', $payload, json_encode($members, JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES));
    }

    /**
     * An envelope on an exactly_once topic.
     *
     * @param  array<string, mixed>  $members
     */
    public static function once(string $id, array $members = [], string $payload = '{"inspectionId":42}'): string
    {
        return self::text(['qos' => 'exactly_once', 'id' => $id, ...$members], $payload);
    }
}
