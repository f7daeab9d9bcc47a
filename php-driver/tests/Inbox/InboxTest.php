<?php

namespace HmsSync\Tests\Inbox;

use HmsSync\Events\EnvelopeReceived;
use HmsSync\Inbox\InboxException;
use HmsSync\Tests\Inbound\Envelopes;
use Illuminate\Database\QueryException;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Schema;
use mysqli;
use PHPUnit\Framework\Attributes\DataProvider;
use RuntimeException;

class InboxTest extends InboxTestCase
{
    #[DataProvider('databases')]
    public function test_an_event_that_comes_again_has_no_second_effect(string $database): void
    {
        $this->bootOn($database);
        $this->listen($this->effect(...));

        $this->handle(Envelopes::once('a', ['replayable_until' => '2024-04-30T17:02:11+02:00']));
        $this->handle(Envelopes::once('a'));

        self::assertSame(['a'], $this->effects());
        $row = (array) DB::table('hms_sync_inbox')->sole();
        self::assertSame(['hms-api', 'agency.notices', 'city-health', 'a'], [$row['consumer'], $row['topic'], $row['source'], $row['event_id']]);
        self::assertSame('2024-04-30 15:02:11', $row['replayable_until']);
        self::assertEqualsWithDelta(time(), strtotime($row['handled_at'].' UTC'), 5);
    }

    #[DataProvider('databases')]
    public function test_another_id_topic_source_or_consumer_is_another_event(string $database): void
    {
        $this->bootOn($database);
        $this->listen($this->effect(...));

        foreach (['a', 'A', 'á', 'a ', "\u{1F600}", str_repeat('x', 256)] as $id) {
            $this->handle(Envelopes::once($id));
        }

        $this->handle(Envelopes::once('a', ['topic' => 'agency.orders']));
        $this->handle(Envelopes::once('a', ['source' => 'ehr-clinic']));
        config(['hms-sync.consumer' => 'hms-reports']);
        $this->handle(Envelopes::once('a'));

        self::assertCount(9, $this->effects());
        self::assertSame(9, DB::table('hms_sync_inbox')->count());
    }

    public function test_an_event_of_an_at_least_once_topic_is_not_recorded(): void
    {
        $this->bootOn('sqlite');
        $this->listen($this->effect(...));

        $this->handle(Envelopes::text(['id' => 'a']));
        $this->handle(Envelopes::text(['id' => 'a']));

        self::assertSame(['a', 'a'], $this->effects());
        self::assertSame([], $this->inbox());
    }

    #[DataProvider('databases')]
    public function test_of_an_event_whose_listener_fails_nothing_is_stored_and_it_may_come_again(string $database): void
    {
        $this->bootOn($database);
        $this->listen($this->effect(...), fn () => throw new RuntimeException('no'));

        self::assertSame('no', $this->failing(Envelopes::once('a'))->getMessage());
        self::assertSame([[], []], [$this->effects(), $this->inbox()]);

        $this->listen($this->effect(...));
        $this->handle(Envelopes::once('a'));
        self::assertSame([['a'], ['a']], [$this->effects(), $this->inbox()]);
    }

    /**
     * @param  callable(): mixed  $rollBack
     */
    #[DataProvider('waysToRollBack')]
    public function test_an_event_whose_listener_rolls_back_is_not_lost(string $database, callable $rollBack): void
    {
        $this->bootOn($database);
        $this->listen($this->effect(...), $rollBack);

        $failure = $this->failing(Envelopes::once('a'));

        self::assertInstanceOf(InboxException::class, $failure);
        self::assertStringContainsString("a listener of topic [agency.notices] ended the database transaction on the connection [{$database}]", $failure->getMessage());
        self::assertSame([[], []], [$this->effects(), $this->inbox()]);

        $this->listen($this->effect(...));
        $this->handle(Envelopes::once('a'));
        self::assertSame([['a'], ['a']], [$this->effects(), $this->inbox()]);
    }

    /**
     * @return iterable<string, array{string, callable(): mixed}>
     */
    public static function waysToRollBack(): iterable
    {
        foreach (self::databases() as $name => [$database]) {
            yield "{$name}: DB" => [$database, fn () => DB::rollBack()];
            yield "{$name}: PDO" => [$database, fn () => DB::getPdo()->rollBack()];
            yield "{$name}: DB, and another begun" => [$database, function () {
                DB::rollBack();
                DB::beginTransaction();
            }];
            yield "{$name}: PDO, and another begun" => [$database, function () {
                DB::getPdo()->rollBack();
                DB::getPdo()->beginTransaction();
            }];
            yield "{$name}: the connection is closed" => [$database, fn () => DB::purge()];
            yield "{$name}: a statement" => [$database, fn () => DB::unprepared('ROLLBACK')];
        }
    }

    /**
     * @param  callable(): mixed  $commit
     */
    #[DataProvider('waysToCommit')]
    public function test_an_event_whose_listener_commits_counts_as_handled_and_fails_loudly(string $database, callable $commit): void
    {
        $this->bootOn($database);
        $this->listen($this->effect(...), $commit);

        self::assertInstanceOf(InboxException::class, $this->failing(Envelopes::once('a')));
        $this->handle(Envelopes::once('a'));

        self::assertSame([['a'], ['a']], [$this->effects(), $this->inbox()]);
    }

    /**
     * @return iterable<string, array{string, callable(): mixed}>
     */
    public static function waysToCommit(): iterable
    {
        foreach (self::databases() as $name => [$database]) {
            yield "{$name}: DB" => [$database, fn () => DB::commit()];
            yield "{$name}: PDO" => [$database, fn () => DB::getPdo()->commit()];
            yield "{$name}: DB, and another begun" => [$database, function () {
                DB::commit();
                DB::beginTransaction();
            }];
        }

        yield 'MariaDB: a new table' => ['mariadb', fn () => Schema::create('letters', fn ($table) => $table->id())];
        yield 'MySQL driver: a new table' => ['mysql', fn () => Schema::create('letters', fn ($table) => $table->id())];
    }

    #[DataProvider('databases')]
    public function test_a_failed_statement_that_a_listener_caught_does_not_lose_the_event(string $database): void
    {
        $this->bootOn($database);
        $swallow = function () {
            try {
                DB::table('missing')->count();
            } catch (QueryException) {
                // As a careless listener does.
            }
        };
        $this->listen($this->effect(...), $swallow);

        if ($database === 'pgsql') {
            $this->failing(Envelopes::once('a'));
            self::assertSame([[], []], [$this->effects(), $this->inbox()]);
            $this->listen($this->effect(...));
        }

        $this->handle(Envelopes::once('a'));
        self::assertSame([['a'], ['a']], [$this->effects(), $this->inbox()]);
    }

    #[DataProvider('databases')]
    public function test_transactions_of_listeners_are_savepoints_in_that_of_the_inbox(string $database): void
    {
        $this->bootOn($database);
        $this->listen(fn (EnvelopeReceived $event) => DB::transaction(fn () => $this->effect($event)), function () {
            DB::beginTransaction();
            DB::table('inspections')->insert(['status' => 'taken back']);
            DB::rollBack();
        });

        $this->handle(Envelopes::once('a'));

        self::assertSame([['a'], ['a']], [$this->effects(), $this->inbox()]);
    }

    /**
     * Such as that of RefreshDatabase in an application's own tests.
     */
    #[DataProvider('databases')]
    public function test_inside_a_transaction_of_the_caller_events_take_effect_once_as_well(string $database): void
    {
        $this->bootOn($database);
        $this->listen($this->effect(...));
        DB::beginTransaction();

        $this->handle(Envelopes::once('a'));
        $this->handle(Envelopes::once('a'));
        $this->listen($this->effect(...), fn () => throw new RuntimeException('no'));

        try {
            $this->handle(Envelopes::once('b'));
            self::fail('it did not fail');
        } catch (RuntimeException $e) {
            self::assertSame('no', $e->getMessage());
        }

        self::assertSame([['a'], ['a'], 1], [$this->effects(), $this->inbox(), DB::transactionLevel()]);
        DB::rollBack();
        self::assertSame([[], []], [$this->effects(), $this->inbox()]);
    }

    #[DataProvider('databases')]
    public function test_a_transaction_that_a_listener_leaves_open_is_rolled_back_and_the_event_fails(string $database): void
    {
        $this->bootOn($database, ['database.connections.other' => $this->freshDatabase('sqlite')]);

        foreach ([Envelopes::once('a'), Envelopes::text(['id' => 'a'])] as $envelope) {
            foreach ([null, 'other'] as $connection) {
                $this->listen($this->effect(...), fn () => DB::connection($connection)->beginTransaction());

                $message = $this->failing($envelope)->getMessage();

                self::assertStringContainsString('left a database transaction open on the connection ['.($connection ?? $database).']', $message);
                self::assertSame(0, DB::connection('other')->transactionLevel());
            }
        }

        self::assertSame([], $this->inbox());
    }

    public function test_a_listener_that_fails_with_a_transaction_open_on_another_connection_does_not_harm_the_next_event(): void
    {
        $this->bootOn('sqlite', ['database.connections.other' => $this->freshDatabase('sqlite')]);
        $this->listen(function () {
            DB::connection('other')->beginTransaction();

            throw new RuntimeException('no');
        });

        self::assertSame('no', $this->failing(Envelopes::text())->getMessage());
        self::assertSame(0, DB::connection('other')->transactionLevel());
    }

    #[DataProvider('databases')]
    public function test_an_inbox_that_cannot_be_locked_in_time_fails_the_attempt_and_stores_nothing(string $database): void
    {
        $this->bootOn($database);
        $this->listen($this->effect(...));
        $other = $this->app->make('db')->connectUsing('second', config("database.connections.{$database}"));
        $digest = hash('sha256', (string) json_encode(['hms-api', 'agency.notices', 'city-health', 'a']));
        $other->getPdo()->beginTransaction();
        $other->table('hms_sync_inbox')->insert([
            'digest' => $digest, 'consumer' => 'c', 'topic' => 't', 'source' => 's', 'event_id' => 'i', 'handled_at' => '2024-01-01', 'replayable_until' => '2024-01-01',
        ]);
        DB::unprepared(match ($database) {
            'sqlite' => 'PRAGMA busy_timeout = 100',
            'pgsql' => "SET lock_timeout = '100ms'",
            default => 'SET innodb_lock_wait_timeout = 1',
        });

        self::assertInstanceOf(QueryException::class, $this->failing(Envelopes::once('a')));

        $other->getPdo()->rollBack();
        self::assertSame([], $this->effects());
        $this->handle(Envelopes::once('a'));
        self::assertSame(['a'], $this->effects());
    }

    /**
     * MariaDB rolls the whole transaction back, but the connection does not say so.
     */
    public function test_a_deadlock_that_a_listener_caught_does_not_lose_the_event(): void
    {
        $this->bootOn('mariadb');
        DB::table('inspections')->insert(array_map(fn (int $id) => ['id' => $id, 'status' => 'before'], range(1, 20)));
        $other = $this->otherClient();
        $other->query('begin');
        $other->query('update inspections set status = \'theirs\' where id between 2 and 10');

        $this->listen(function () use ($other) {
            DB::table('inspections')->where('id', 1)->update(['status' => 'ours']);
            $other->query('update inspections set status = \'theirs\' where id = 1', MYSQLI_ASYNC);

            try {
                DB::table('inspections')->where('id', 2)->update(['status' => 'ours']);
                self::fail('the test itself: there was no deadlock');
            } catch (QueryException $e) {
                self::assertStringContainsString('Deadlock', $e->getMessage());
            }
        });

        self::assertInstanceOf(InboxException::class, $this->failing(Envelopes::once('a')));
        self::assertSame([], $this->inbox());
        $other->reap_async_query();
    }

    #[DataProvider('databases')]
    public function test_a_missing_table_is_named_with_what_to_do(string $database): void
    {
        $this->bootOn($database);
        Schema::drop('hms_sync_inbox');
        $this->listen($this->effect(...));

        $failure = $this->failing(Envelopes::once('a'));

        self::assertInstanceOf(InboxException::class, $failure);
        self::assertStringContainsString("the table [hms_sync_inbox] is missing on the database connection [{$database}]", $failure->getMessage());
        self::assertStringContainsString('php artisan migrate', $failure->getMessage());
        self::assertSame([], $this->effects());
    }

    public function test_another_missing_table_is_not_taken_for_the_inbox(): void
    {
        $this->bootOn('sqlite');
        $this->listen(fn () => DB::table('missing')->count());

        self::assertInstanceOf(QueryException::class, $this->failing(Envelopes::once('a')));
    }

    public function test_the_inbox_may_be_on_another_connection_and_have_another_name(): void
    {
        $config = ['database.connections.tenant' => $this->freshDatabase('sqlite'), 'hms-sync.inbox' => ['connection' => 'tenant', 'table' => 'seen']];
        $this->bootOn('sqlite', $config);
        DB::connection('tenant')->statement('create table inspections (id integer primary key, status text)');
        $this->listen(fn (EnvelopeReceived $event) => $this->effect($event, 'tenant'), fn () => throw new RuntimeException('no'));

        try {
            $this->handle(Envelopes::once('a'));
        } catch (RuntimeException) {
            self::assertSame(0, DB::connection('tenant')->table('inspections')->count());
        }

        $this->listen(fn (EnvelopeReceived $event) => $this->effect($event, 'tenant'));
        $this->handle(Envelopes::once('a'));
        $this->handle(Envelopes::once('a'));

        self::assertSame(1, DB::connection('tenant')->table('inspections')->count());
        self::assertSame(1, DB::connection('tenant')->table('seen')->count());
        self::assertFalse(Schema::hasTable('seen'));
    }

    /**
     * A client of MariaDB that need not wait for its answers.
     */
    private function otherClient(): mysqli
    {
        $database = config('database.connections.mariadb');

        return new mysqli($database['host'], $database['username'], $database['password'], $database['database'], $database['port']);
    }
}
