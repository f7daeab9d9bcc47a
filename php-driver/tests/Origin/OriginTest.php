<?php

namespace HmsSync\Tests\Origin;

use HmsSync\Events\EnvelopeReceived;
use HmsSync\HmsSync;
use HmsSync\Inbound\EnvelopeHandler;
use HmsSync\Origin\CurrentOrigin;
use HmsSync\Queue\RunningJobs;
use HmsSync\Tests\Fixtures\QueuedReading;
use HmsSync\Tests\Fixtures\Reading;
use HmsSync\Tests\Inbound\Envelopes;
use HmsSync\Tests\TestCase;
use Illuminate\Support\Facades\Bus;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Event;
use PHPUnit\Framework\Attributes\DataProvider;
use RuntimeException;

class OriginTest extends TestCase
{
    public function test_what_this_application_broadcasts_of_its_own_accord_has_no_origin(): void
    {
        event(new Reading);

        self::assertArrayNotHasKey('origin', $this->onlyEntry());
    }

    public function test_what_a_listener_broadcasts_names_the_systems_that_its_event_came_through_and_its_source(): void
    {
        Event::listen(EnvelopeReceived::class, fn () => event(new Reading));

        $this->handle(Envelopes::text(['source' => 'city-health', 'origin' => 'ehr-clinic,treasury']));
        event(new Reading);

        self::assertSame(['ehr-clinic,treasury,city-health', ''], $this->origins());
    }

    public function test_a_system_is_named_once(): void
    {
        Event::listen(EnvelopeReceived::class, fn () => event(new Reading));

        $this->handle(Envelopes::text(['source' => 'city-health', 'origin' => 'city-health,ehr-clinic']));

        self::assertSame(['city-health,ehr-clinic'], $this->origins());
    }

    public function test_of_more_systems_than_the_bus_takes_the_newest_are_named(): void
    {
        $systems = array_map(fn (int $n) => "s{$n}", range(1, 17));

        self::assertSame(implode(',', array_slice($systems, 1)), CurrentOrigin::join(implode(',', $systems)));
        self::assertTrue(CurrentOrigin::isValid(CurrentOrigin::join(implode(',', $systems))));
        self::assertFalse(CurrentOrigin::isValid(implode(',', $systems)));
    }

    public function test_the_origin_is_gone_after_an_event_whose_listener_fails(): void
    {
        Event::listen(EnvelopeReceived::class, fn () => throw new RuntimeException('no'));

        try {
            $this->handle(Envelopes::text());
            self::fail('the exception did not come out');
        } catch (RuntimeException $e) {
            self::assertSame('no', $e->getMessage());
        }

        self::assertSame('', $this->current());
    }

    public function test_without_origin_lifts_it_and_brings_it_back(): void
    {
        Event::listen(EnvelopeReceived::class, function () {
            HmsSync::withoutOrigin(fn () => event(new Reading));
            event(new Reading);
        });

        $this->handle(Envelopes::text(['source' => 'city-health']));

        self::assertSame(['', 'city-health'], $this->origins());
    }

    public function test_a_job_or_broadcast_that_the_callback_returns_is_queued_before_the_origin_changes_back(): void
    {
        $this->bootWithDatabaseQueue();

        $this->from('city-health', fn () => HmsSync::withoutOrigin(fn () => dispatch(new Work('broadcast'))));
        $this->from('city-health', fn () => HmsSync::withoutOrigin(fn () => broadcast(new QueuedReading(1))));
        $this->workAll();

        self::assertSame(['', ''], $this->origins());
    }

    public function test_a_queued_listener_has_the_origin_of_its_event_and_the_next_job_none(): void
    {
        $this->bootWithDatabaseQueue();
        Event::listen(EnvelopeReceived::class, QueuedListener::class);

        $this->handle(Envelopes::text(['source' => 'city-health']));
        dispatch(new Work('broadcast'));
        $this->workAll();

        self::assertSame(['city-health', ''], $this->origins());
        self::assertSame('', $this->current());
    }

    public function test_a_queued_broadcast_has_the_origin_of_the_time_it_was_queued(): void
    {
        $this->bootWithDatabaseQueue();

        $this->from('city-health', fn () => event(new QueuedReading(1)));
        $this->from('city-health', fn () => HmsSync::withoutOrigin(fn () => event(new QueuedReading(2))));
        event(new QueuedReading(3));
        $this->from('ehr-clinic', fn () => $this->workAll());

        self::assertSame(['city-health', '', ''], $this->origins());
    }

    /**
     * @param  callable(): mixed  $queue
     */
    #[DataProvider('jobsThatDispatchJobs')]
    public function test_the_origin_goes_on_to_jobs_that_jobs_dispatch(callable $queue): void
    {
        $this->bootWithDatabaseQueue();

        $this->from('city-health', $queue);
        $this->workAll();

        self::assertSame(['city-health'], array_values(array_unique($this->origins())));
        self::assertSame('', $this->current());
    }

    /**
     * @return iterable<string, array{callable(): mixed}>
     */
    public static function jobsThatDispatchJobs(): iterable
    {
        yield 'a job' => [fn () => dispatch(new Work('dispatchAnother'))];
        yield 'a broadcast of a job' => [fn () => dispatch(new Work('broadcastQueued'))];
        yield 'a chain' => [fn () => Bus::chain([new Work('dispatchAnother'), new Work('broadcast')])->dispatch()];
        yield 'after the commit' => [fn () => DB::transaction(function () {
            dispatch(new Work('broadcast'))->afterCommit();
        })];
    }

    public function test_every_attempt_of_a_job_has_its_origin(): void
    {
        $this->bootWithDatabaseQueue();

        $this->from('city-health', fn () => dispatch(new Work('failFirst')));
        $this->work(tries: 2);
        self::assertSame('', $this->current());
        $this->work(tries: 2);

        self::assertSame(['city-health', 'city-health'], $this->origins());
        self::assertSame('', $this->current());
    }

    public function test_a_job_on_the_sync_queue_ends_with_the_origin_of_the_job_around_it(): void
    {
        $this->bootWithDatabaseQueue();

        $this->from('city-health', fn () => dispatch(new Work('nestAndFail')));
        $this->workAll();

        self::assertSame(['city-health', '', 'city-health', 'city-health'], $this->origins());
        self::assertSame('', $this->current());
    }

    #[DataProvider('noOrigins')]
    public function test_what_is_no_origin_in_a_job_counts_for_none(mixed $origin): void
    {
        $this->bootWithDatabaseQueue();
        dispatch(new Work('broadcast'));
        $payload = json_decode(DB::table('jobs')->value('payload'), true);
        DB::table('jobs')->update(['payload' => json_encode(['hmsSyncOrigin' => $origin] + $payload)]);

        $this->workAll();

        self::assertSame([''], $this->origins());
    }

    /**
     * @return iterable<string, array{mixed}>
     */
    public static function noOrigins(): iterable
    {
        yield 'no text' => [['city-health']];
        yield 'empty' => [''];
        yield 'no name' => ['City Health'];
        yield 'trailing comma' => ['city-health,'];
        yield 'line break' => ["city-health\n"];
        yield 'serialized' => ['O:8:"stdClass":0:{}'];
    }

    public function test_a_job_on_the_sync_queue_outside_the_queue_has_ended_when_it_has(): void
    {
        dispatch_sync(new Work('broadcast'));

        self::assertNull($this->app->make(RunningJobs::class)->outermost());
    }

    /**
     * @param  callable(): mixed  $work
     */
    private function from(string $origin, callable $work): void
    {
        $this->app->make(CurrentOrigin::class)->during($origin, $work);
    }

    private function handle(string $envelope): void
    {
        $this->app->make(EnvelopeHandler::class)->handle($envelope);
    }

    private function current(): string
    {
        return $this->app->make(CurrentOrigin::class)->get();
    }

    private function workAll(): void
    {
        for ($jobs = 0; DB::table('jobs')->exists(); $jobs++) {
            self::assertLessThan(10, $jobs, 'jobs remain in the queue');
            $this->work();
        }
    }

    /**
     * The origins in the intake stream, an empty text for an entry without one.
     *
     * @return list<string>
     */
    private function origins(): array
    {
        return array_map(fn (array $entry) => $entry['origin'] ?? '', $this->entries());
    }
}
