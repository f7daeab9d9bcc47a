<?php

namespace HmsSync\Console\Doctor;

use HmsSync\Console\RedisAddress;
use Illuminate\Contracts\Config\Repository;
use Illuminate\Http\Client\ConnectionException;
use Illuminate\Support\Facades\Date;
use Symfony\Component\Uid\UuidV7;
use Throwable;

/**
 * Whether an event gets through: one that is none is written as the driver writes, and the sidecar asked for it.
 */
class ProbeCheck implements Check
{
    /**
     * Microseconds between two questions.
     */
    protected const PAUSE = 10_000;

    /**
     * Create a new check.
     */
    public function __construct(protected Gateway $gateway, protected Repository $config)
    {
        //
    }

    /**
     * Get the name by which the check is shown.
     */
    public function name(): string
    {
        return 'probe';
    }

    /**
     * Send a probe and wait for it.
     */
    public function run(Examination $examination): Finding
    {
        if (! $intake = $examination->intake) {
            return Finding::skip('Redis does not take events');
        }

        if (! $examination->identity) {
            return Finding::skip('the sidecar would not say whether the probe came, without a token that it takes');
        }

        $id = UuidV7::generate();
        $sent = microtime(true);

        try {
            $entry = $intake->append($this->probe($id));
            $answer = $this->awaitProbe($id, $sent + $examination->timeout);
        } catch (Throwable $e) {
            return Finding::fail('The probe was not sent: '.rtrim($e->getMessage(), '.').'.', 'See to Redis, then run this command again.');
        }

        return match ($answer) {
            'seen' => Finding::ok(sprintf('A probe came through in %.0f ms.', (microtime(true) - $sent) * 1000)),
            'unknown' => $this->lost($intake, $entry, $examination),
            default => Finding::fail("The sidecar did not say whether the probe came ({$answer}).", 'Look into its log; it may be older than this package.'),
        };
    }

    /**
     * Get the fields of a probe.
     *
     * @return array<string, string>
     */
    protected function probe(string $id): array
    {
        return [
            'id' => $id,
            'channels' => '["hms-sync:probe"]',
            'event' => 'hms-sync.probe',
            'data' => '{}',
            'time' => Date::now()->format('Y-m-d\TH:i:s.uP'),
            'source' => (string) $this->config->get('hms-sync.source'),
            'timezone' => (string) $this->config->get('app.timezone', 'UTC'),
        ];
    }

    /**
     * Ask for the probe until the sidecar has seen it or the time is up, and get "seen", "unknown" or what went wrong.
     */
    protected function awaitProbe(string $id, float $deadline): string
    {
        do {
            $answer = $this->ask($id);

            if ($answer !== 'unknown') {
                return $answer;
            }

            usleep(self::PAUSE);
        } while (microtime(true) < $deadline);

        return $answer;
    }

    /**
     * Ask for the probe once.
     */
    protected function ask(string $id): string
    {
        try {
            $response = $this->gateway->get('/v1/probes/'.$id);
        } catch (ConnectionException $e) {
            return rtrim($e->getMessage(), '.');
        }

        return match (true) {
            $response->ok() && $response->json('id') === $id => 'seen',
            $response->json('code') === 'unknown_probe' => 'unknown',
            default => 'HTTP '.$response->status(),
        };
    }

    /**
     * Say why a probe may not have come.
     */
    protected function lost(IntakeRedis $intake, string $entry, Examination $examination): Finding
    {
        $address = RedisAddress::of($this->config->get('database.redis', []), (string) $examination->connection);
        $read = $intake->isRead();
        $message = "A probe written to Redis at {$address} did not reach the sidecar in {$examination->timeout} s";

        if (! $read) {
            $intake->remove($entry);
        }

        return $read
            ? Finding::fail(
                "{$message}: the sidecar reads another Redis, or stands still.",
                'Compare HMS_SYNC_REDIS_URL of both sides, and look at [hms-sync status].'
            )
            : Finding::fail(
                "{$message}, and nobody reads that stream: the sidecar reads another Redis than this application writes to.",
                'Let HMS_SYNC_REDIS_URL of this application be the Redis of the sidecar: for the one it starts itself redis://127.0.0.1:6380.'
            );
    }
}
