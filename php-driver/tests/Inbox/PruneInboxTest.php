<?php

namespace HmsSync\Tests\Inbox;

use HmsSync\Tests\Inbound\Envelopes;
use Illuminate\Console\Scheduling\Event as ScheduledEvent;
use Illuminate\Console\Scheduling\Schedule;
use Illuminate\Support\Facades\Date;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Schema;
use PHPUnit\Framework\Attributes\DataProvider;

class PruneInboxTest extends InboxTestCase
{
    protected function tearDown(): void
    {
        Date::setTestNow();

        parent::tearDown();
    }

    #[DataProvider('databases')]
    public function test_a_row_stays_for_the_days_configured_and_as_long_as_its_event_may_be_replayed(string $database): void
    {
        $this->bootOn($database, ['hms-sync.inbox.keep_days' => 30, 'app.timezone' => 'America/Chicago']);
        $this->listen($this->effect(...));
        Date::setTestNow('2024-04-01T00:00:00Z');
        $this->handle(Envelopes::once('old', ['replayable_until' => '2024-04-08T00:00:00Z']));
        $this->handle(Envelopes::once('replayable', ['replayable_until' => '2024-05-08T00:00:00Z']));
        Date::setTestNow('2024-04-10T00:00:00Z');
        $this->handle(Envelopes::once('young', ['replayable_until' => '2024-04-17T00:00:00Z']));

        $kept = [];

        foreach (['2024-05-01T00:00:00Z', '2024-05-01T00:00:01Z', '2024-05-08T00:00:01Z', '2024-06-01T00:00:00Z'] as $now) {
            Date::setTestNow($now);
            self::assertSame(0, $this->call('hms-sync:prune-inbox')[0]);
            $kept[] = implode(' ', $this->inbox());
        }

        self::assertSame(['old replayable young', 'replayable young', 'young', ''], $kept);
    }

    #[DataProvider('databases')]
    public function test_rows_are_deleted_in_chunks_until_none_is_left(string $database): void
    {
        $this->bootOn($database);
        $this->fill(10);
        $deletes = 0;
        DB::listen(function ($query) use (&$deletes) {
            $deletes += (int) str_starts_with($query->sql, 'delete');
        });

        [$status, $output] = $this->call('hms-sync:prune-inbox', ['--chunk' => 4, '--days' => 1]);

        self::assertSame(0, $status);
        self::assertStringContainsString('Deleted 10 rows', $output);
        self::assertSame([], $this->inbox());
        self::assertSame(3, $deletes);
    }

    #[DataProvider('badOptions')]
    public function test_what_is_no_number_is_refused_and_deletes_nothing(string $option, string $value): void
    {
        $this->bootOn('sqlite');
        $this->fill(1);

        [$status, $output] = $this->call('hms-sync:prune-inbox', [$option => $value]);

        self::assertSame(2, $status);
        self::assertStringContainsString("{$option} is no number from 1 to", $output);
        self::assertCount(1, $this->inbox());
    }

    /**
     * @return iterable<array{string, string}>
     */
    public static function badOptions(): iterable
    {
        yield ['--days', '0'];
        yield ['--days', '-1'];
        yield ['--days', 'all'];
        yield ['--days', ''];
        yield ['--chunk', '0'];
        yield ['--chunk', '99999'];
    }

    public function test_a_missing_table_is_named_with_what_to_do(): void
    {
        $this->bootOn('sqlite');
        Schema::drop('hms_sync_inbox');

        [$status, $output] = $this->call('hms-sync:prune-inbox');

        self::assertSame(1, $status);
        self::assertStringContainsString('php artisan migrate', $output);
    }

    public function test_the_package_schedules_it_daily_where_the_table_is(): void
    {
        $this->bootOn('sqlite');
        $events = array_filter(
            $this->app->make(Schedule::class)->events(),
            fn (ScheduledEvent $event) => str_contains((string) $event->command, 'hms-sync:prune-inbox')
        );

        self::assertSame(['0 0 * * *'], array_values(array_map(fn (ScheduledEvent $event) => $event->expression, $events)));
        $event = array_values($events)[0];
        self::assertTrue($event->filtersPass($this->app));
        Schema::drop('hms_sync_inbox');
        self::assertFalse($event->filtersPass($this->app));
    }

    public function test_a_published_copy_of_the_migration_finds_the_table_there(): void
    {
        $this->bootOn('sqlite');
        $migration = require __DIR__.'/../../database/migrations/inbox/2026_01_01_000000_create_hms_sync_inbox_table.php';

        $migration->up();
        self::assertTrue(Schema::hasTable('hms_sync_inbox'));

        $migration->down();
        $migration->down();
        self::assertFalse(Schema::hasTable('hms_sync_inbox'));
    }

    private function fill(int $rows): void
    {
        DB::table('hms_sync_inbox')->insert(array_map(fn (int $n) => [
            'digest' => hash('sha256', (string) $n), 'consumer' => 'c', 'topic' => 't', 'source' => 's', 'event_id' => (string) $n,
            'handled_at' => '2020-01-01 00:00:00', 'replayable_until' => '2020-01-08 00:00:00',
        ], range(1, $rows)));
    }
}
