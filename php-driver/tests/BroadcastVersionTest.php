<?php

namespace HmsSync\Tests;

use HmsSync\Origin\CurrentOrigin;
use HmsSync\Tests\Fixtures\Reading;
use HmsSync\Tests\Fixtures\VersionedReading;
use Illuminate\Broadcasting\BroadcastEvent;
use Illuminate\Support\Facades\Broadcast;
use PHPUnit\Framework\Attributes\DataProvider;

class BroadcastVersionTest extends TestCase
{
    private const FIELDS = ['id', 'channels', 'event', 'data', 'time', 'source', 'timezone'];

    #[DataProvider('versions')]
    public function test_an_event_that_states_its_version_has_it_as_the_last_field(int $version): void
    {
        event(new VersionedReading($version));
        $this->app->make(CurrentOrigin::class)->during('city-health', fn () => event(new VersionedReading($version)));

        [$own, $caused] = $this->entries();

        self::assertSame([...self::FIELDS, 'version'], array_keys($own));
        self::assertSame([...self::FIELDS, 'origin', 'version'], array_keys($caused));
        self::assertSame([(string) $version, (string) $version], [$own['version'], $caused['version']]);
    }

    /**
     * @return iterable<string, array{int}>
     */
    public static function versions(): iterable
    {
        yield 'the first' => [1];
        yield 'the last' => [9999];
    }

    public function test_an_event_that_states_none_has_no_such_field(): void
    {
        event(new VersionedReading(null));
        event(new Reading);
        Broadcast::connection()->broadcast(['inspections.status'], 'reading', ['n' => 1]);

        self::assertSame(array_fill(0, 3, self::FIELDS), array_map(array_keys(...), $this->entries()));
    }

    public function test_a_queued_event_states_it_when_a_worker_broadcasts_it(): void
    {
        $this->bootWithDatabaseQueue();

        dispatch(new BroadcastEvent(new VersionedReading(2)));
        $this->work();

        self::assertSame('2', $this->onlyEntry()['version']);
    }

    #[DataProvider('noVersions')]
    public function test_what_is_no_version_is_refused_with_event_value_and_remedy(mixed $version, string $shown): void
    {
        $failure = $this->failure(fn () => event(new VersionedReading($version)));

        self::assertSame(
            'HMS-Sync: '.VersionedReading::class."::broadcastVersion() returned {$shown}. Return the number of the schema that its payload follows, ".
            'an integer from 1 to 9999 (2 for v2.json), or null to leave it to the bus.', $failure->getMessage()
        );
        self::assertSame([], $this->entries());
    }

    /**
     * @return iterable<string, array{mixed, string}>
     */
    public static function noVersions(): iterable
    {
        yield 'zero' => [0, '0'];
        yield 'below zero' => [-1, '-1'];
        yield 'above the last' => [10000, '10000'];
        yield 'as the file is called' => ['v2', "'v2'"];
        yield 'as text' => ['2', "'2'"];
        yield 'a float' => [2.0, '2.0'];
        yield 'a truth' => [true, 'true'];
        yield 'an array' => [[2], 'array'];
        yield 'control characters' => ["2\n", "'2?'"];
    }
}
