<?php

namespace HmsSync\Tests;

use HmsSync\Tests\Fixtures\ChangingReading;
use HmsSync\Tests\Fixtures\IdentifiedReading;
use HmsSync\Tests\Fixtures\QueuedReading;
use HmsSync\Tests\Fixtures\Reading;
use HmsSync\Tests\Fixtures\ReadingOnSyncQueue;
use HmsSync\Tests\Fixtures\ReadMeters;
use Illuminate\Support\Facades\Broadcast;
use Illuminate\Support\Facades\DB;
use PHPUnit\Framework\Attributes\DataProvider;
use Ramsey\Uuid\Uuid;

class BroadcastIdTest extends TestCase
{
    private const CONNECTIONS_ENDING_IN_FAILURE = ['hms-sync', 'not-configured'];

    public function test_a_broadcast_outside_the_queue_has_a_uuid_version_7(): void
    {
        event(new Reading);
        event(new Reading);
        Broadcast::connection()->broadcast(['inspections.status'], 'reading', ['n' => 1]);

        $ids = $this->ids();

        self::assertCount(3, array_unique($ids));
        self::assertSame([7, 7, 7], array_map($this->version(...), $ids));
    }

    public function test_an_event_gives_its_own_id(): void
    {
        event(new IdentifiedReading('inspection-42'));
        event(new IdentifiedReading(42));

        self::assertSame(['inspection-42', '42'], $this->ids());
    }

    public function test_null_from_broadcast_id_means_that_one_is_made(): void
    {
        event(new IdentifiedReading(null));

        self::assertSame(7, $this->version($this->onlyEntry()['id']));
    }

    #[DataProvider('noIds')]
    public function test_what_is_no_id_is_refused_by_name(mixed $id, string $shown): void
    {
        $failure = $this->failure(fn () => event(new IdentifiedReading($id)));

        self::assertStringContainsString(IdentifiedReading::class.'::broadcastId() returned '.$shown, $failure->getMessage());
        self::assertSame([], $this->entries());
    }

    /**
     * @return iterable<string, array{mixed, string}>
     */
    public static function noIds(): iterable
    {
        yield 'empty' => ['', '[]'];
        yield 'array' => [[], 'array'];
        yield 'control character' => ["a\nb", '[a?b]'];
        yield 'bad UTF-8' => ["a\xff", '[a?]'];
        yield 'too long' => [str_repeat('x', 257), '[xxx'];
    }

    public function test_a_broadcast_job_gives_the_same_id_on_every_attempt_and_after_queue_retry(): void
    {
        $database = $this->bootWithDatabaseQueue();
        $env = ['QUEUE_CONNECTION' => 'database', 'DB_DATABASE' => $database];

        event(new QueuedReading(1, self::CONNECTIONS_ENDING_IN_FAILURE));
        $uuid = json_decode(DB::table('jobs')->value('payload'))->uuid;

        $this->artisan(['queue:work', '--once', '--tries=2'], $env);
        $this->artisan(['queue:work', '--once', '--tries=2'], $env);
        $this->artisan(['queue:retry', $uuid], $env);
        $this->artisan(['queue:work', '--once', '--tries=2'], $env);

        $ids = $this->ids();

        self::assertCount(3, $ids);
        self::assertCount(1, array_unique($ids));
        self::assertSame(5, $this->version($ids[0]));
    }

    public function test_a_broadcast_job_gives_the_same_id_when_its_payload_has_changed_before_the_retry(): void
    {
        $this->bootWithDatabaseQueue();

        event(new ChangingReading(1, self::CONNECTIONS_ENDING_IN_FAILURE));
        $this->work(tries: 2);
        $this->work(tries: 2);

        $entries = $this->entries();

        self::assertCount(2, array_unique(array_column($entries, 'data')));
        self::assertCount(1, array_unique(array_column($entries, 'id')));
    }

    public function test_two_broadcast_jobs_have_two_ids(): void
    {
        $this->bootWithDatabaseQueue();

        event(new QueuedReading(1));
        event(new QueuedReading(1));
        $this->work();
        $this->work();

        self::assertCount(2, array_unique($this->ids()));
    }

    public function test_one_broadcast_over_several_connections_has_one_id(): void
    {
        $this->bootWithDatabaseQueue();

        event(new QueuedReading(1, ['log', null, 'hms-sync']));
        $this->work();
        event(new Reading(['n' => 2], connections: ['hms-sync', 'null', null]));
        dispatch(new ReadMeters([[3]]));
        $this->work();

        self::assertCount(2, $this->ids('{"n":1}'));
        self::assertCount(1, array_unique($this->ids('{"n":1}')));
        self::assertCount(2, $this->ids('{"n":2}'));
        self::assertCount(1, array_unique($this->ids('{"n":2}')));
    }

    #[DataProvider('waysToBroadcast')]
    public function test_a_broadcast_inside_a_job_keeps_its_id_when_a_retry_skips_the_one_before(string $how): void
    {
        $this->bootWithDatabaseQueue();

        dispatch(new ReadMeters([[1, 2], [2, 3], [1, 2, 3]], $how));
        $this->work();
        $this->work();
        $this->work();

        $ids = array_map(fn (int $n) => array_unique($this->ids('{"n":'.$n.'}')), [1, 2, 3]);

        self::assertCount(7, $this->entries());
        self::assertSame([1, 1, 1], array_map(count(...), $ids), 'the same broadcast changed its id');
        self::assertCount(3, array_unique(array_merge(...$ids)), 'two broadcasts share an id');
    }

    #[DataProvider('waysToBroadcast')]
    public function test_equal_broadcasts_of_one_attempt_are_told_apart_and_meet_again_on_the_next(string $how): void
    {
        $this->bootWithDatabaseQueue();

        dispatch(new ReadMeters([[1, 1], [1, 1]], $how));
        $this->work();
        $this->work();

        [$a, $b, $c, $d] = $this->ids();

        self::assertNotSame($a, $b);
        self::assertSame([$a, $b], [$c, $d]);
    }

    /**
     * @return iterable<string, array{string}>
     */
    public static function waysToBroadcast(): iterable
    {
        yield 'now' => ['now'];
        yield 'as a job on the sync queue' => ['sync'];
        yield 'now, in a job on the sync queue' => ['nested'];
    }

    public function test_two_jobs_with_equal_broadcasts_have_two_ids(): void
    {
        $this->bootWithDatabaseQueue();

        dispatch(new ReadMeters([[1]]));
        dispatch(new ReadMeters([[1]]));
        $this->work();
        $this->work();

        self::assertCount(2, array_unique($this->ids()));
    }

    public function test_a_broadcast_after_a_job_is_outside_the_queue_again_also_when_the_job_failed(): void
    {
        $this->bootWithDatabaseQueue();

        dispatch(new ReadMeters([[1], [1]]));
        $this->work();
        event(new Reading(['n' => 2]));
        $this->work();
        event(new Reading(['n' => 3]));

        self::assertSame([7], array_map($this->version(...), $this->ids('{"n":2}')));
        self::assertSame([7], array_map($this->version(...), $this->ids('{"n":3}')));
    }

    public function test_a_broadcast_job_on_the_sync_queue_has_an_id_of_its_own(): void
    {
        event(new ReadingOnSyncQueue(1));
        event(new ReadingOnSyncQueue(1));

        self::assertCount(2, array_unique($this->ids()));
    }

    private function version(string $id): int
    {
        self::assertTrue(Uuid::isValid($id));

        return (int) $id[14];
    }
}
