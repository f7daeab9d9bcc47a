<?php

namespace HmsSync\Tests\Outbox;

use App\Models\Inspection;
use HmsSync\Broadcasting\HmsSyncBroadcastManager;
use HmsSync\Origin\CurrentOrigin;
use HmsSync\Outbox\Outbox;
use HmsSync\Outbox\OutboxException;
use HmsSync\Tests\Fixtures\IdentifiedReading;
use HmsSync\Tests\Fixtures\ReadMeters;
use HmsSync\Tests\Fixtures\VersionedReading;
use HmsSync\Tests\Outbox\Fixtures\Counted;
use HmsSync\Tests\Outbox\Fixtures\CountedAfterCommit;
use HmsSync\Tests\Outbox\Fixtures\CountedNow;
use HmsSync\Tests\Outbox\Fixtures\CountedOnce;
use HmsSync\Tests\Outbox\Fixtures\InspectionSeen;
use HmsSync\Tests\Outbox\Fixtures\LoudInspection;
use HmsSync\Tests\Outbox\Fixtures\RememberingBroadcaster;
use HmsSync\Tests\Support\RedisServer;
use Illuminate\Broadcasting\BroadcastManager;
use Illuminate\Support\Facades\Broadcast;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Event;
use PHPUnit\Framework\Attributes\DataProvider;
use RuntimeException;

class OutboxTest extends OutboxTestCase
{
    private const VERSION_MIGRATION = __DIR__.'/../../database/migrations/outbox/2026_01_01_000002_add_version_to_hms_sync_outbox_table.php';

    #[DataProvider('databases')]
    public function test_a_committed_event_is_one_row_and_reaches_the_bus_as_it_was_fired(string $database): void
    {
        $this->bootOn($database);
        $this->app->make(CurrentOrigin::class)->during('city-health', fn () => DB::transaction(function () {
            event(new Counted(1));
            self::assertCount(1, $this->rows());
        }));

        self::assertSame([], $this->entries());
        self::assertSame(0, DB::table('jobs')->count());

        $row = $this->rows()[0];
        $this->relay();

        self::assertSame([
            'id' => $row->event_id, 'channels' => '["inspections.status"]', 'event' => 'counted', 'data' => '{"n":1}',
            'time' => $row->time, 'source' => 'hms-api', 'timezone' => 'UTC', 'origin' => 'city-health',
        ], $this->onlyEntry());
        self::assertNotNull($this->rows()[0]->relayed_at);

        $this->relay();
        self::assertCount(1, $this->entries());
    }

    public function test_the_mysql_driver_works_as_the_mariadb_driver_does(): void
    {
        $this->bootOn('mysql');

        DB::transaction(fn () => event(new Counted(1)));
        $this->relay();

        self::assertSame(['{"n":1}'], $this->sent());
    }

    #[DataProvider('databases')]
    public function test_a_rollback_leaves_nothing(string $database): void
    {
        $this->bootOn($database);

        DB::beginTransaction();
        event(new Counted(1));
        event(new CountedNow(2));
        event(new CountedAfterCommit(3));
        DB::rollBack();

        $this->relay();

        self::assertSame([], $this->rows());
        self::assertSame([], $this->entries());
    }

    #[DataProvider('databases')]
    public function test_a_savepoint_that_is_rolled_back_takes_its_events_along(string $database): void
    {
        $this->bootOn($database);

        DB::transaction(function () {
            event(new Counted(1));

            try {
                DB::transaction(function () {
                    event(new Counted(2));
                    event(new CountedNow(3));
                    event(new CountedAfterCommit(4));

                    throw new RuntimeException;
                });
            } catch (RuntimeException) {
                DB::transaction(fn () => event(new Counted(5)));
            }
        });

        self::assertSame(['{"n":1}', '{"n":5}'], $this->payloads());
    }

    public function test_without_a_transaction_the_row_is_written_on_the_default_connection_at_once(): void
    {
        $this->bootOn('sqlite');

        event(new Counted(1));

        self::assertSame(['{"n":1}'], $this->payloads());
    }

    public function test_the_row_is_written_on_the_connection_whose_transaction_was_begun_last(): void
    {
        $this->bootWithTwoDatabases(['sqlite', 'other']);
        $other = DB::connection('other');

        DB::transaction(function () use ($other) {
            event(new Counted(1));

            $other->beginTransaction();
            event(new Counted(2));
            $other->rollBack();

            $other->transaction(fn () => event(new Counted(3)));
            event(new Counted(4));
        });

        self::assertSame(['{"n":1}', '{"n":4}'], $this->payloads());
        self::assertSame(['{"n":3}'], $other->table('hms_sync_outbox')->pluck('data')->all());

        $this->relay();
        self::assertEqualsCanonicalizing(['{"n":1}', '{"n":4}', '{"n":3}'], $this->sent());
    }

    public function test_a_transaction_of_a_connection_asked_for_as_its_write_half_is_found(): void
    {
        $this->bootOn('sqlite');
        $write = DB::connection('sqlite::write');

        $write->beginTransaction();
        event(new Counted(1));
        $write->rollBack();

        self::assertSame([], $this->rows());
    }

    public function test_a_transaction_on_a_connection_without_an_outbox_is_refused_by_name(): void
    {
        $this->bootWithTwoDatabases(['sqlite']);

        $failure = $this->failure(fn () => DB::connection('other')->transaction(fn () => event(new Counted(1))));

        self::assertInstanceOf(OutboxException::class, $failure);
        self::assertStringContainsString('[counted] was broadcast inside a transaction of the database connection [other]', $failure->getMessage());
        self::assertSame([], $this->rows());
    }

    #[DataProvider('databases')]
    public function test_a_missing_table_is_named_with_the_remedy(string $database): void
    {
        $this->bootOn($database);
        DB::connection()->getSchemaBuilder()->drop('hms_sync_outbox');

        $failure = $this->failure(fn () => event(new Counted(1)));

        self::assertStringContainsString("table [hms_sync_outbox] is missing on the database connection [{$database}]. Run [php artisan migrate]", $failure->getMessage());
    }

    #[DataProvider('databases')]
    public function test_a_stated_version_goes_through_the_outbox_also_when_it_is_sent_again(string $database): void
    {
        $this->bootOn($database);

        DB::transaction(function () {
            event(new VersionedReading(9999));
            event(new VersionedReading(null));
        });
        $this->relay();
        [$status] = $this->call('hms-sync:relay', ['--since' => '1h']);

        self::assertSame(0, $status);
        self::assertSame(['9999', null, '9999', null], array_map(fn (array $entry) => $entry['version'] ?? null, $this->entries()));
        self::assertSame('version', array_key_last($this->entries()[0]));
        self::assertArrayNotHasKey('version', $this->entries()[1]);
    }

    #[DataProvider('databases')]
    public function test_a_table_of_before_there_were_versions_serves_events_that_state_none_until_it_is_migrated(string $database): void
    {
        $this->bootOn($database);
        $this->call('migrate:rollback', ['--force' => true, '--path' => [self::VERSION_MIGRATION], '--realpath' => true]);
        self::assertFalse(DB::connection()->getSchemaBuilder()->hasColumn('hms_sync_outbox', 'version'));

        event(new Counted(1));
        $failure = $this->failure(fn () => event(new VersionedReading(2)));
        $this->relay();

        self::assertInstanceOf(OutboxException::class, $failure);
        self::assertStringContainsString(
            "table [hms_sync_outbox] on the database connection [{$database}] has no column [version], which an event with a broadcastVersion() needs. ".
            'Run [php artisan migrate].', $failure->getMessage()
        );
        self::assertSame(['{"n":1}'], $this->sent());

        $this->migrate();
        event(new VersionedReading(2));
        $this->relay();

        self::assertSame([null, '2'], array_map(fn (array $entry) => $entry['version'] ?? null, $this->entries()));
    }

    public function test_a_model_that_is_changed_or_deleted_before_the_relay_runs_is_sent_as_it_was(): void
    {
        $this->bootOn('sqlite');
        $inspection = Inspection::query()->create(['status' => 'Scheduled']);
        $gone = Inspection::query()->create(['status' => 'Held']);

        event(new InspectionSeen($inspection));
        event(new InspectionSeen($gone));
        $inspection->update(['status' => 'Completed']);
        $gone->delete();
        $this->relay();

        self::assertSame(['Scheduled', 'Held'], array_map(fn (string $data) => json_decode($data, true)['inspection']['status'], $this->sent()));
    }

    public function test_a_model_that_broadcasts_its_changes_tells_also_of_its_deletion(): void
    {
        $this->bootOn('sqlite');

        DB::transaction(function () {
            $inspection = LoudInspection::query()->create(['status' => 'Scheduled']);
            $inspection->update(['status' => 'Completed']);
            $inspection->delete();
        });

        self::assertSame(['created Scheduled', 'updated Completed', 'deleted Completed'], array_map(
            fn (string $data) => json_decode($data)->event.' '.json_decode($data)->status, $this->payloads()
        ));
    }

    public function test_broadcast_when_is_asked_when_the_event_is_fired(): void
    {
        $this->bootOn('sqlite');

        event(new Counted(-1));
        DB::transaction(fn () => event(new CountedAfterCommit(-1)));

        self::assertSame([], $this->rows());
    }

    public function test_anonymous_events_and_direct_broadcasts_go_into_the_outbox_as_well(): void
    {
        $this->bootOn('sqlite');

        DB::beginTransaction();
        Broadcast::on('inspections.status')->as('noted')->with(['n' => 1])->send();
        Broadcast::on('inspections.status')->as('noted')->with(['n' => 2])->toOthers()->sendNow();
        Broadcast::connection()->broadcast(['inspections.status'], 'direct', ['n' => 3]);

        self::assertSame(['{"n":1}', '{"n":2}', '{"n":3}'], $this->payloads());
        self::assertSame([], $this->entries());
        DB::commit();
    }

    public function test_an_event_gives_its_own_id_and_else_has_one_from_the_moment_it_is_fired(): void
    {
        $this->bootOn('sqlite');

        event(new IdentifiedReading('inspection-42'));
        event(new Counted(1));
        $this->relay();

        self::assertSame('inspection-42', $this->rows()[0]->event_id);
        self::assertSame(array_column($this->rows(), 'event_id'), $this->ids());
    }

    public function test_a_job_that_is_tried_again_repeats_the_ids_of_its_events(): void
    {
        $this->bootOn('sqlite', ['hms-sync.outbox' => ['enabled' => true, 'relay_after_response' => false]]);

        dispatch(new ReadMeters([[1, 2], [1, 2]]));
        $this->work(tries: 5);
        $this->work(tries: 5);

        [$a, $b, $c, $d] = array_column($this->rows(), 'event_id');

        self::assertSame([$a, $b], [$c, $d]);
        self::assertNotSame($a, $b);
    }

    public function test_a_key_is_the_events_own_or_made_of_its_channels(): void
    {
        $this->bootOn('sqlite');

        event(new Counted(1, key: 'inspection-42'));
        event(new Counted(2, key: 42));
        event(new Counted(3));

        self::assertSame(['inspection-42', '42', 'inspections.status'], array_column($this->rows(), 'order_key'));
        self::assertStringContainsString(
            'broadcastKey() returned array. Return a text', $this->failure(fn () => event(new Counted(4, key: [])))->getMessage()
        );
    }

    public function test_a_unique_event_is_written_each_time_because_each_has_another_payload(): void
    {
        $this->bootOn('sqlite');

        event(new CountedOnce(1));
        event(new CountedOnce(2));

        self::assertSame(['{"n":1}', '{"n":2}'], $this->payloads());
    }

    #[DataProvider('queues')]
    public function test_other_connections_of_an_event_are_left_to_laravel(string $class, string $queue): void
    {
        $this->bootOn('sqlite', ['queue.default' => $queue]);
        $reverb = $this->addBroadcaster('reverb');

        DB::transaction(function () use ($class) {
            event(new $class(1, ['reverb', 'hms-sync']));
            self::assertCount($class === CountedAfterCommit::class ? 0 : 1, $this->rows());
        });

        $queue === 'database' && $class !== CountedNow::class ? $this->work() : null;
        $this->relay();

        self::assertCount(1, $this->rows());
        self::assertCount(1, $this->entries());
        self::assertSame([['n' => 1, 'socket' => null]], array_column($reverb->broadcasts, 'payload'));
    }

    /**
     * @return iterable<string, array{class-string, string}>
     */
    public static function queues(): iterable
    {
        yield 'from a worker' => [Counted::class, 'database'];
        yield 'on the sync queue' => [Counted::class, 'sync'];
        yield 'now' => [CountedNow::class, 'database'];
        yield 'after the commit' => [CountedAfterCommit::class, 'database'];
        yield 'after the commit, on the sync queue' => [CountedAfterCommit::class, 'sync'];
    }

    public function test_a_job_that_the_sync_queue_runs_after_the_commit_does_not_broadcast_over_the_bus_again(): void
    {
        $this->bootOn('sqlite', ['queue.default' => 'sync', 'queue.connections.sync' => ['driver' => 'sync', 'after_commit' => true]]);
        $reverb = $this->addBroadcaster('reverb');

        DB::transaction(function () use ($reverb) {
            event(new Counted(1, ['reverb', 'hms-sync']));
            self::assertSame([], $reverb->broadcasts);
        });

        self::assertCount(1, $reverb->broadcasts);
        self::assertCount(1, $this->rows());
    }

    public function test_an_event_of_other_connections_only_is_laravels(): void
    {
        $this->bootOn('sqlite');
        $reverb = $this->addBroadcaster('reverb');

        event(new Counted(1, ['reverb']));
        $this->work();

        self::assertSame([], $this->rows());
        self::assertCount(1, $reverb->broadcasts);
    }

    public function test_a_broadcast_that_was_queued_before_the_outbox_was_enabled_is_not_lost(): void
    {
        $this->bootOn('sqlite', ['hms-sync.outbox' => ['enabled' => false]]);
        event(new Counted(1));

        config(['hms-sync.outbox.enabled' => true]);
        $this->work();
        $this->relay();

        self::assertSame(['{"n":1}'], $this->sent());
    }

    public function test_an_outbox_that_is_switched_at_run_time_counts_from_the_next_broadcast_on(): void
    {
        $this->bootOn('sqlite', ['hms-sync.outbox' => ['enabled' => false]]);

        event(new CountedNow(1));
        config(['hms-sync.outbox.enabled' => true]);
        DB::transaction(function () {
            event(new CountedNow(2));
            self::assertCount(1, $this->entries());
        });
        config(['hms-sync.outbox.enabled' => false]);
        event(new CountedNow(3));

        self::assertSame(['{"n":1}', '{"n":2}', '{"n":3}'], array_column($this->entries(), 'data'));
    }

    #[DataProvider('databases')]
    public function test_an_event_to_be_broadcast_now_is_sent_right_after_the_commit(string $database): void
    {
        $this->bootOn($database);

        DB::transaction(function () {
            event(new CountedNow(1));
            self::assertSame([], $this->entries());
        });

        self::assertSame(['{"n":1}'], $this->sent());
        self::assertNotNull($this->rows()[0]->relayed_at);

        event(new CountedNow(2));
        self::assertCount(2, $this->entries());
    }

    public function test_an_event_to_be_broadcast_now_waits_while_redis_is_away(): void
    {
        $this->bootOn('sqlite', ['database.redis.default.port' => $port = RedisServer::freePort()]);

        event(new CountedNow(1));
        self::assertNull($this->rows()[0]->relayed_at);

        $redis = RedisServer::startAt($port) ?? self::fail('the port is taken');
        DB::table('hms_sync_outbox_locks')->update(['until' => 0]);
        $this->relay();

        self::assertCount(1, $this->entries($redis->client()));
        $redis->stop();
    }

    #[DataProvider('databases')]
    public function test_nothing_is_sent_out_of_a_transaction_that_was_begun_behind_laravels_back(string $database): void
    {
        $this->bootOn($database);

        DB::connection()->getPdo()->beginTransaction();
        event(new CountedNow(1));
        $this->terminate();

        self::assertSame([], $this->entries());
        DB::connection()->getPdo()->rollBack();
        self::assertSame([], $this->rows());
    }

    #[DataProvider('databases')]
    public function test_an_event_that_laravel_keeps_until_after_the_commit_is_written_before_it(string $database): void
    {
        $this->bootOn($database);
        $heard = [];
        Event::listen(CountedAfterCommit::class, function (CountedAfterCommit $event) use (&$heard) {
            $heard[] = $event->n;
        });

        DB::transaction(function () {
            DB::afterCommit(fn () => self::assertCount(2, $this->rows()));
            event(new CountedAfterCommit(1));
            DB::transaction(fn () => event(new CountedAfterCommit(2)));
            self::assertSame([], $this->rows());
        });

        self::assertSame([2, 1], $heard, 'Laravel begins with the innermost transaction');
        self::assertSame(['{"n":2}', '{"n":1}'], $this->payloads());

        event(new CountedAfterCommit(3));
        self::assertCount(3, $this->rows());
    }

    public function test_one_event_object_that_is_fired_again_is_written_again(): void
    {
        $this->bootOn('sqlite');
        $event = new CountedAfterCommit(1);

        DB::transaction(function () use ($event) {
            event($event);
            event($event);
            DB::afterCommit(fn () => event($event));
        });
        DB::transaction(fn () => event($event));
        event($event);

        DB::beginTransaction();
        event($event);
        DB::rollBack();
        event($event);

        self::assertCount(6, $this->rows());
    }

    #[DataProvider('databases')]
    public function test_an_event_that_cannot_be_written_before_the_commit_has_the_transaction_rolled_back(string $database): void
    {
        $this->bootOn($database);

        $failure = $this->failure(fn () => DB::transaction(function () {
            Inspection::query()->create(['status' => 'Completed']);
            event(new CountedAfterCommit(1, key: []));
        }));

        self::assertStringContainsString('broadcastKey()', $failure->getMessage());
        self::assertSame(0, DB::transactionLevel());
        self::assertFalse(DB::connection()->getPdo()->inTransaction());
        self::assertSame(0, Inspection::query()->count());

        DB::transaction(fn () => Inspection::query()->create(['status' => 'Scheduled']));
        self::assertSame(1, Inspection::query()->count());
    }

    public function test_what_cannot_be_encoded_fails_where_it_is_fired(): void
    {
        $this->bootOn('sqlite');

        $this->failure(fn () => Broadcast::on('inspections.status')->with(['x' => INF])->send());

        self::assertSame([], $this->rows());
    }

    public function test_after_the_response_what_was_written_is_sent_unless_that_is_switched_off(): void
    {
        $this->bootOn('sqlite');
        event(new Counted(1));
        $this->terminate();
        self::assertCount(1, $this->entries());

        $this->bootAgain(['hms-sync.outbox' => ['enabled' => true, 'relay_after_response' => false]]);
        event(new Counted(2));
        $this->terminate();
        self::assertCount(1, $this->entries());
    }

    public function test_after_a_job_what_it_wrote_is_sent_also_when_it_failed(): void
    {
        $this->bootOn('sqlite');

        dispatch(new ReadMeters([[1], [2]], 'sync'));
        $this->work(tries: 5);
        self::assertSame(['{"n":1}'], $this->sent());

        $this->work(tries: 5);
        self::assertSame(['{"n":1}', '{"n":2}'], $this->sent());
    }

    public function test_after_a_console_command_what_it_wrote_is_sent(): void
    {
        $this->bootOn('sqlite');

        $this->start([static::APP.'/artisan', 'inspections:complete', '42'])->wait();

        self::assertCount(1, $this->entries());
        self::assertNotNull($this->rows()[0]->relayed_at);
    }

    public function test_the_outbox_can_be_off_and_then_nothing_needs_its_table(): void
    {
        $this->bootOn('sqlite', ['hms-sync.outbox' => ['enabled' => false], 'queue.default' => 'sync']);
        DB::connection()->getSchemaBuilder()->drop('hms_sync_outbox');

        DB::transaction(fn () => event(new CountedAfterCommit(1)));
        event(new Counted(2));
        $this->terminate();

        self::assertCount(2, $this->entries());
    }

    public function test_drivers_and_creators_that_an_application_has_registered_stay_in_use(): void
    {
        $this->bootOn('sqlite');
        $manager = $this->app->make(BroadcastManager::class);
        self::assertInstanceOf(HmsSyncBroadcastManager::class, $manager);

        $broadcaster = $this->addBroadcaster('mine');

        self::assertSame($broadcaster, $manager->connection('mine'));
        self::assertSame($broadcaster, Broadcast::connection('mine'));
        $manager->purge('mine');
        self::assertSame($broadcaster, Broadcast::driver('mine'));
    }

    public function test_an_application_that_is_set_on_the_manager_decides_with_its_own_outbox(): void
    {
        $this->bootOn('sqlite');
        $manager = $this->app->make(BroadcastManager::class);
        $manager->queue(new CountedNow(1));
        self::assertCount(1, $this->rows());

        // As Octane does for every request.
        $another = clone $this->app;
        $another->instance(Outbox::class, new class extends Outbox
        {
            public function __construct()
            {
                //
            }

            public function isEnabled(?array $settings = null): bool
            {
                return false;
            }
        });
        $manager->setApplication($another);
        $manager->queue(new Counted(2));

        self::assertCount(1, $this->rows());
        self::assertSame(1, $this->app->make('queue')->size());
    }

    /**
     * @param  list<string>  $withOutbox
     */
    private function bootWithTwoDatabases(array $withOutbox): void
    {
        $this->bootOn('sqlite', [
            'database.connections.other' => $this->freshDatabase('sqlite'),
            'hms-sync.outbox' => ['enabled' => true, 'connections' => $withOutbox],
        ]);
        $this->migrate('other');
    }

    private function addBroadcaster(string $name): RememberingBroadcaster
    {
        $broadcaster = new RememberingBroadcaster;

        config(["broadcasting.connections.{$name}" => ['driver' => 'remembering']]);
        Broadcast::extend('remembering', fn () => $broadcaster);

        return $broadcaster;
    }
}
