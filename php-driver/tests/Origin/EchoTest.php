<?php

namespace HmsSync\Tests\Origin;

use HmsSync\Events\EnvelopeReceived;
use HmsSync\HmsSync;
use HmsSync\Tests\Fixtures\QueuedReading;
use HmsSync\Tests\Fixtures\Reading;
use HmsSync\Tests\Support\Sidecar;
use HmsSync\Tests\TestCase;
use Illuminate\Contracts\Console\Kernel;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Event;
use PHPUnit\Framework\Attributes\DataProvider;

/**
 * Changes that go both ways over a real bus.
 */
class EchoTest extends TestCase
{
    private Sidecar $sidecar;

    protected function setUp(): void
    {
        parent::setUp();

        $this->sidecar = Sidecar::start(__DIR__.'/../Fixtures/bus/topics.yaml');
        $this->bootWithDatabaseQueue([
            'hms-sync.url' => $this->sidecar->url,
            'hms-sync.token' => $this->sidecar->keyOf('hms-api'),
            'database.redis.default.port' => $this->sidecar->redis->port,
            'cache.default' => 'array',
        ]);
    }

    protected function tearDown(): void
    {
        parent::tearDown();

        $this->sidecar->stop();
        $this->sidecar->redis->stop();
    }

    public function test_what_city_health_changes_reaches_the_other_agency_and_not_city_health(): void
    {
        $this->publish('inspections.rescheduled', '{"inspectionId":7,"scheduledFor":"2024-05-02T09:00:00Z"}', 'change-1');
        $this->publish('inspections.rescheduled', '{"inspectionId":7,"scheduledFor":"2024-05-02T09:00:00Z"}', 'change-1');

        $this->listen();
        $heard = $this->pull('ehr-clinic', 'inspections.schedule', waitMs: 10_000);

        self::assertSame('2024-05-02 09:00:00', DB::table('inspections')->where('id', 7)->value('scheduled_for'));
        self::assertSame([['inspectionId' => 7, 'scheduledFor' => '2024-05-02T09:00:00+00:00']], array_column($heard, 'payload'));
        self::assertSame(['hms-api', 'city-health'], [$heard[0]['source'], $heard[0]['origin']]);
        self::assertSame([], $this->pull('city-health', 'inspections.schedule', waitMs: 300));
    }

    /**
     * @param  class-string<Reading|QueuedReading>  $class
     */
    #[DataProvider('broadcasts')]
    public function test_two_systems_that_repeat_whatever_they_hear_end_after_one_round(string $class): void
    {
        Event::listen(EnvelopeReceived::class, fn (EnvelopeReceived $event) => $this->repeat($class, $event));
        $this->publish('readings.taken', '{"n":1}', 'first');

        for ($rounds = 0; $rounds < 5; $rounds++) {
            $this->listen();

            foreach ($this->pull('city-health', 'readings.taken', waitMs: 300) as $n => $envelope) {
                $this->publish('readings.taken', '{"n":1}', "again-{$rounds}-{$n}");
            }
        }

        self::assertSame(['city-health ', 'hms-api city-health'], $this->ledger('readings.taken'));
    }

    /**
     * @return iterable<string, array{class-string}>
     */
    public static function broadcasts(): iterable
    {
        yield 'broadcast at once' => [Reading::class];
        yield 'broadcast from the queue' => [QueuedReading::class];
    }

    public function test_without_origin_the_answer_goes_back_as_well(): void
    {
        Event::listen(EnvelopeReceived::class, fn () => HmsSync::withoutOrigin(fn () => event(new Reading(channels: ['readings.taken']))));
        $this->publish('readings.taken', '{"n":1}', 'first');

        $this->listen();

        $heard = $this->pull('city-health', 'readings.taken', waitMs: 10_000);
        self::assertSame(['hms-api'], array_column($heard, 'source'));
        self::assertArrayNotHasKey('origin', $heard[0]);
    }

    /**
     * Broadcast what came in on its own topic.
     *
     * @param  class-string<Reading|QueuedReading>  $class
     */
    private function repeat(string $class, EnvelopeReceived $event): void
    {
        event($class === Reading::class
            ? new Reading($event->envelope->payload, ['readings.taken'])
            : new QueuedReadingOf($event->envelope->payload['n']));
    }

    private function publish(string $topic, string $payload, string $id): void
    {
        self::assertSame(202, $this->sidecar->publish('city-health', $topic, $payload, $id)['status']);
    }

    /**
     * Handle whatever is owed to this application, and the jobs that come of it.
     */
    private function listen(): void
    {
        $kernel = $this->app->make(Kernel::class);

        self::assertSame(0, $kernel->call('hms-sync:listen', ['--stop-when-empty' => true]), $kernel->output());

        for ($jobs = 0; DB::table('jobs')->exists(); $jobs++) {
            self::assertLessThan(10, $jobs, 'jobs remain in the queue');
            $this->work();
        }
    }

    /**
     * The envelopes that a system is owed, which are acked.
     *
     * @return list<array<string, mixed>>
     */
    private function pull(string $system, string $topic, int $waitMs): array
    {
        $headers = ['Authorization' => 'Bearer '.$this->sidecar->keyOf($system)];
        $deliveries = $this->sidecar->request('POST', "/v1/topics/{$topic}/pull", (string) json_encode(['max' => 10, 'wait_ms' => $waitMs]), $headers)['body']['deliveries'];

        $this->sidecar->request('POST', "/v1/topics/{$topic}/settle", (string) json_encode([
            'settle' => array_map(fn (array $delivery) => ['token' => $delivery['token'], 'action' => 'ack'], $deliveries),
        ]), $headers);

        return array_column($deliveries, 'envelope');
    }

    /**
     * Source and origin of every event of a topic.
     *
     * @return list<string>
     */
    private function ledger(string $topic): array
    {
        $text = (string) file_get_contents($this->sidecar->url."/v1/topics/{$topic}/events?since=0", false, stream_context_create([
            'http' => ['header' => 'Authorization: Bearer '.$this->sidecar->token],
        ]));

        return array_map(
            fn (string $line) => json_decode($line)->source.' '.(json_decode($line)->origin ?? ''),
            array_values(array_filter(explode("\n", $text)))
        );
    }
}
