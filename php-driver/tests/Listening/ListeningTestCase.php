<?php

namespace HmsSync\Tests\Listening;

use Closure;
use HmsSync\Events\EnvelopeReceived;
use HmsSync\Tests\Support\Sidecar;
use HmsSync\Tests\TestCase;
use Illuminate\Contracts\Console\Kernel;

/**
 * The application as a consumer of a real bus: readings.taken is at_least_once.
 */
abstract class ListeningTestCase extends TestCase
{
    protected const TOPIC = 'readings.taken';

    /**
     * A topic whose leases last one second.
     */
    protected const ALARMS = 'alarms.raised';

    protected static Sidecar $sidecar;

    /** @var list<string> */
    protected array $handled = [];

    private static int $ids = 0;

    public static function setUpBeforeClass(): void
    {
        static::$sidecar = Sidecar::start(__DIR__.'/../Fixtures/bus/topics.yaml');
    }

    public static function tearDownAfterClass(): void
    {
        static::$sidecar->stop();
        static::$sidecar->redis->stop();
    }

    protected function setUp(): void
    {
        parent::setUp();
        $this->bootListening();
    }

    protected function tearDown(): void
    {
        foreach ([self::TOPIC, self::ALARMS] as $topic) {
            while ($this->owed($topic)['owed'] > 0) {
                $this->ack($this->pull(waitMs: 1000, topic: $topic), $topic);
            }
        }

        parent::tearDown();
    }

    /**
     * @param  array<string, mixed>  $config
     */
    protected function bootListening(array $config = []): void
    {
        $this->boot([
            'hms-sync.url' => static::$sidecar->url,
            'hms-sync.token' => static::$sidecar->keyOf('hms-api'),
            'cache.default' => 'array',
            ...$config,
        ]);
        $this->onEvent(fn () => null);
    }

    /**
     * Listen to what comes in.
     *
     * @param  Closure(EnvelopeReceived): mixed  $listener
     */
    protected function onEvent(Closure $listener): void
    {
        $this->app->make('events')->forget(EnvelopeReceived::class);
        $this->app->make('events')->listen(EnvelopeReceived::class, function (EnvelopeReceived $event) use ($listener) {
            $this->handled[] = $event->envelope->id;
            $listener($event);
        });
    }

    /**
     * @param  array<string, mixed>  $options
     */
    protected function artisanCall(array $options): int
    {
        return $this->app->make(Kernel::class)->call('hms-sync:listen', $options);
    }

    protected function printed(): string
    {
        return $this->app->make(Kernel::class)->output();
    }

    /**
     * Publish events as City Health; they are owed to this application when it returns.
     *
     * @return list<string> their ids
     */
    protected function publish(int $count = 1, string $payload = '{}', string $topic = self::TOPIC): array
    {
        $ids = [];

        for ($i = 0; $i < $count; $i++) {
            $ids[] = $id = 'e'.++self::$ids;
            self::assertSame(202, static::$sidecar->publish('city-health', $topic, $payload, $id)['status']);
        }

        return $ids;
    }

    /**
     * What the bus tells of this application's deliveries.
     *
     * @return array<string, mixed>
     */
    protected function owed(string $topic = self::TOPIC): array
    {
        return static::$sidecar->request('GET', '/v1/status')['body']['topics'][$topic]['consumers']['hms-api'];
    }

    /**
     * What another worker of this application would get now.
     *
     * @return list<array{token: string, attempt: int, envelope: array<string, mixed>}>
     */
    protected function pull(int $max = 500, int $waitMs = 0, string $topic = self::TOPIC): array
    {
        return static::$sidecar->request('POST', "/v1/topics/{$topic}/pull", (string) json_encode(['max' => $max, 'wait_ms' => $waitMs]), [
            'HMS-Sync-Consumer' => 'hms-api',
        ])['body']['deliveries'];
    }

    /**
     * @param  list<array{token: string}>  $deliveries
     */
    protected function ack(array $deliveries, string $topic = self::TOPIC): void
    {
        static::$sidecar->request('POST', "/v1/topics/{$topic}/settle", (string) json_encode([
            'settle' => array_map(fn (array $delivery) => ['token' => $delivery['token'], 'action' => 'ack'], $deliveries),
        ]), ['HMS-Sync-Consumer' => 'hms-api']);
    }
}
