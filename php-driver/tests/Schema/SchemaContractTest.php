<?php

namespace HmsSync\Tests\Schema;

use HmsSync\Redis\IntakeStream;
use HmsSync\Schema\SchemaCheck;
use HmsSync\Schema\SchemaViolation;
use HmsSync\Tests\Support\Sidecar;
use HmsSync\Tests\TestCase;
use Illuminate\Contracts\Redis\Factory;
use Illuminate\Support\Facades\Http;
use Illuminate\Support\Str;

/**
 * The check in PHP and the bus are given the same broadcasts.
 */
class SchemaContractTest extends TestCase
{
    private const TOPICS = __DIR__.'/bus/topics.yaml';

    public function test_the_check_takes_and_refuses_what_the_bus_takes_and_refuses(): void
    {
        $broadcasts = iterator_to_array(Payloads::all());

        $here = array_map($this->checked(...), $broadcasts);
        $there = $this->publishedTo(Sidecar::start(self::TOPICS), $broadcasts);

        self::assertNotEmpty(array_filter($there, is_array(...)));
        self::assertContains('unknown_version', $there);
        self::assertEqualsCanonicalizing([1, 2, 4], array_values(array_unique(array_column(array_filter($there, is_array(...)), 'version'))));
        self::assertGreaterThan(60, count(array_filter($there, is_string(...))));
        self::assertSame($there, array_intersect_key($here, $there));
        self::assertSame(array_keys($there), array_keys($here));
    }

    /**
     * What the check says: the payload for consumers, or the code of the refusal.
     *
     * @param  array{topic: string, data: string, timezone?: string, channel?: string, version?: int}  $broadcast
     */
    private function checked(array $broadcast): mixed
    {
        $this->app->make('config')->set([
            'hms-sync.schemas.topics' => self::TOPICS, 'app.timezone' => $broadcast['timezone'] ?? 'UTC',
        ]);

        try {
            $payloads = $this->app->make(SchemaCheck::class)->check(
                'reading', [$broadcast['channel'] ?? $broadcast['topic']], $broadcast['data'], version: $broadcast['version'] ?? null
            );
            $payload = $payloads[$broadcast['topic']] ?? null;

            return ['version' => $payload?->version, 'payload' => $payload?->json];
        } catch (SchemaViolation $e) {
            return $e->refusal;
        }
    }

    /**
     * What the bus made of each broadcast, written to its intake as the driver writes it.
     *
     * @param  array<string, array{topic: string, data: string, timezone?: string, channel?: string, version?: int}>  $broadcasts
     * @return array<string, mixed>
     */
    private function publishedTo(Sidecar $sidecar, array $broadcasts): array
    {
        $this->app->make('config')->set('database.redis.bus', ['host' => '127.0.0.1', 'port' => $sidecar->redis->port]);
        $intake = new IntakeStream($this->app->make(Factory::class), 'bus');

        foreach (array_values($broadcasts) as $number => $broadcast) {
            $intake->append([
                'id' => "broadcast-{$number}", 'channels' => (string) json_encode([$broadcast['channel'] ?? $broadcast['topic']]), 'event' => 'reading',
                'data' => $broadcast['data'], 'time' => '2024-04-23T15:02:11Z', 'source' => 'hms-api', 'timezone' => $broadcast['timezone'] ?? 'UTC',
                ...(isset($broadcast['version']) ? ['version' => (string) $broadcast['version']] : []),
            ]);
        }

        $outcomes = $this->outcomes($sidecar, count($broadcasts));

        return array_combine(array_keys($broadcasts), array_map(fn (int $number) => $outcomes["broadcast-{$number}"], array_keys(array_values($broadcasts))));
    }

    /**
     * Wait until each broadcast is an envelope or a reject, and get what became of it by its id.
     *
     * @return array<string, mixed>
     */
    private function outcomes(Sidecar $sidecar, int $count): array
    {
        $deadline = microtime(true) + 30;

        do {
            $outcomes = [...$this->envelopes($sidecar), ...$this->rejects($sidecar)];
        } while (count($outcomes) < $count && microtime(true) < $deadline);

        self::assertCount($count, $outcomes);

        return $outcomes;
    }

    /**
     * @return array<string, array{version: int, payload: string}>
     */
    private function envelopes(Sidecar $sidecar): array
    {
        $payloads = [];

        foreach (['inspections.status', 'kinds', 'linked', 'closed', 'others.only', 'versions.free', 'versions.pinned'] as $topic) {
            $lines = Http::withToken($sidecar->token)->get("{$sidecar->url}/v1/topics/{$topic}/events?since=0")->throw()->body();

            foreach (array_filter(explode("\n", $lines)) as $line) {
                $envelope = json_decode($line, flags: JSON_THROW_ON_ERROR);
                $payloads[$envelope->id] = ['version' => $envelope->version, 'payload' => json_encode($envelope->payload, JSON_THROW_ON_ERROR | JSON_PRESERVE_ZERO_FRACTION)];
            }
        }

        return $payloads;
    }

    /**
     * @return array<string, string>
     */
    private function rejects(Sidecar $sidecar): array
    {
        $rejects = $sidecar->request('GET', '/v1/rejects?limit=10000')['body']['rejects'];

        return array_combine(
            array_map(fn (array $reject) => Str::betweenFirst($reject['original'], 'id: ', "\n"), $rejects), array_column($rejects, 'code')
        );
    }
}
