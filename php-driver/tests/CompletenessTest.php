<?php

namespace HmsSync\Tests;

use HmsSync\Tests\Fixtures\Reading;
use HmsSync\Tests\Fixtures\RescuedReading;
use HmsSync\Tests\Outbox\Fixtures\Counted;
use HmsSync\Tests\Outbox\Fixtures\CountedAfterCommit;
use HmsSync\Tests\Outbox\Fixtures\CountedNow;
use HmsSync\Tests\Outbox\Fixtures\CountedOnSlowQueue;
use HmsSync\Tests\Outbox\Fixtures\LoudInspection;
use HmsSync\Tests\Outbox\Fixtures\RememberingBroadcaster;
use HmsSync\Tests\Support\RedisServer;
use Illuminate\Contracts\Broadcasting\ShouldRescue;
use Illuminate\Http\Request;
use Illuminate\Log\Events\MessageLogged;
use Illuminate\Support\Facades\Broadcast;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Event;
use Illuminate\Support\Facades\Exceptions;
use InvalidArgumentException;
use PHPUnit\Framework\Attributes\DataProvider;
use RuntimeException;

/**
 * What Laravel lets an event say about its broadcast is honoured, and what the package adds to that. Without the outbox.
 */
class CompletenessTest extends TestCase
{
    #[DataProvider('clients')]
    public function test_should_broadcast_now_does_not_wait_for_a_worker(string $client): void
    {
        $this->bootWithDatabaseQueue(['database.redis.client' => $client]);

        event(new CountedNow(1));
        event(new Counted(2));

        self::assertSame(['{"n":1}'], array_column($this->entries(), 'data'));
        $this->work();
        self::assertSame(['{"n":1}', '{"n":2}'], array_column($this->entries(), 'data'));
    }

    #[DataProvider('clients')]
    public function test_name_payload_channels_and_condition_are_the_events_own(string $client): void
    {
        $this->boot(['database.redis.client' => $client]);

        event(new Reading(['given' => true], ['inspections.status', 'private-other'], 'renamed'));
        event(new Counted(-1));

        $entry = $this->onlyEntry();
        self::assertSame(['renamed', '{"given":true}', '["inspections.status","private-other"]'], [$entry['event'], $entry['data'], $entry['channels']]);
    }

    public function test_the_broadcast_queue_is_honoured(): void
    {
        $this->bootWithDatabaseQueue();

        event(new CountedOnSlowQueue(1));

        self::assertSame(['slow'], DB::table('jobs')->pluck('queue')->all());
    }

    #[DataProvider('clients')]
    public function test_to_others_sends_no_socket_to_the_bus(string $client): void
    {
        $this->boot(['database.redis.client' => $client]);
        $this->app->instance('request', Request::create('/', server: ['HTTP_X_SOCKET_ID' => '123.456']));

        broadcast(new CountedNow(1))->toOthers();
        Broadcast::on('inspections.status')->as('noted')->with(['n' => 2])->toOthers()->sendNow();

        self::assertSame(['{"n":1}', '{"n":2}'], array_column($this->entries(), 'data'));
    }

    #[DataProvider('clients')]
    public function test_anonymous_events_are_broadcast_queued_and_now(string $client): void
    {
        $this->bootWithDatabaseQueue(['database.redis.client' => $client]);

        Broadcast::on('inspections.status')->as('noted')->with(['n' => 1])->send();
        Broadcast::private('inspections.status')->as('noted')->with(['n' => 2])->sendNow();

        self::assertSame(['["private-inspections.status"]'], array_column($this->entries(), 'channels'));
        $this->work();
        self::assertSame(['{"n":2}', '{"n":1}'], array_column($this->entries(), 'data'));
    }

    #[DataProvider('clients')]
    public function test_a_model_broadcasts_its_creation_changes_and_deletion(string $client): void
    {
        $this->bootWithDatabaseQueue(['database.redis.client' => $client, 'queue.default' => 'sync']);

        $inspection = LoudInspection::query()->create(['status' => 'Scheduled']);
        $inspection->update(['status' => 'Completed']);
        $inspection->delete();

        self::assertSame(['LoudInspectionCreated', 'LoudInspectionUpdated', 'LoudInspectionDeleted'], array_column($this->entries(), 'event'));
        self::assertSame('{"event":"deleted","id":1,"status":"Completed"}', $this->entries()[2]['data']);
    }

    public function test_should_dispatch_after_commit_waits_for_the_commit(): void
    {
        $this->bootWithDatabaseQueue(['queue.default' => 'sync']);

        DB::transaction(function () {
            event(new CountedAfterCommit(1));
            self::assertSame([], $this->entries());
        });
        self::assertCount(1, $this->entries());

        DB::beginTransaction();
        event(new CountedAfterCommit(2));
        DB::rollBack();
        self::assertCount(1, $this->entries());
    }

    public function test_an_event_whose_failure_laravel_would_swallow_is_warned_of_once(): void
    {
        if (! interface_exists(ShouldRescue::class)) {
            self::markTestSkipped('Laravel 11 has no ShouldRescue.');
        }

        $warnings = $this->logged('warning');

        event(new RescuedReading);
        event(new RescuedReading);
        event(new RescuedReading(connections: ['null']));
        event(new Reading);

        self::assertCount(1, $warnings);
        self::assertStringContainsString('['.RescuedReading::class.'] implements ShouldRescue', (string) $warnings[0]);
    }

    #[DataProvider('clients')]
    public function test_a_broadcast_is_forwarded_once_the_bus_has_it(string $client): void
    {
        $this->boot(['database.redis.client' => $client, 'hms-sync.forward' => ['reverb']]);
        $this->app->instance('request', Request::create('/', server: ['HTTP_X_SOCKET_ID' => '123.456']));

        $reverb = $this->addBroadcaster();
        $reverb->before = fn () => self::assertCount(1, $this->entries());

        broadcast(new CountedNow(1))->toOthers();

        self::assertSame([[
            'channels' => ['inspections.status'], 'event' => 'counted', 'payload' => ['n' => 1, 'socket' => '123.456'],
        ]], $reverb->broadcasts);
    }

    public function test_a_connection_that_the_event_names_itself_is_not_forwarded_to_again(): void
    {
        $this->boot(['hms-sync.forward' => ['reverb']]);
        $reverb = $this->addBroadcaster();

        event(new CountedNow(1, ['hms-sync', 'reverb']));

        self::assertCount(1, $reverb->broadcasts);
    }

    public function test_what_the_bus_did_not_get_is_not_forwarded(): void
    {
        $this->boot(['hms-sync.forward' => ['reverb'], 'database.redis.default.port' => RedisServer::freePort()]);
        $reverb = $this->addBroadcaster();

        $this->failure(fn () => event(new CountedNow(1)));

        self::assertSame([], $reverb->broadcasts);
    }

    public function test_a_connection_that_cannot_be_forwarded_to_is_reported_and_the_event_goes_through(): void
    {
        $this->boot(['hms-sync.forward' => ['broken', 'reverb']]);
        $reverb = $this->addBroadcaster();
        $broken = $this->addBroadcaster('broken');
        $broken->before = fn () => throw new RuntimeException('the browser is not at home');
        Exceptions::fake();

        event(new CountedNow(1));

        self::assertCount(1, $this->entries());
        self::assertCount(1, $reverb->broadcasts);
        Exceptions::assertReported(fn (RuntimeException $e) => str_contains($e->getMessage(), 'event [counted] did not reach the broadcast connection [broken]')
            && str_contains($e->getMessage(), 'the browser is not at home'));
    }

    public function test_a_connection_that_is_named_at_run_time_is_forwarded_to_from_the_next_broadcast_on(): void
    {
        $reverb = $this->addBroadcaster();

        event(new CountedNow(1));
        config(['hms-sync.forward' => ['reverb']]);
        event(new CountedNow(2));
        config(['hms-sync.forward' => []]);
        event(new CountedNow(3));

        self::assertCount(3, $this->entries());
        self::assertSame([2], array_column(array_column($reverb->broadcasts, 'payload'), 'n'));
    }

    public function test_forwarding_to_the_bus_itself_is_refused(): void
    {
        $this->boot(['hms-sync.forward' => ['hms-sync']]);

        $this->expectException(InvalidArgumentException::class);
        $this->expectExceptionMessage("config('hms-sync.forward') names [hms-sync], which is the bus itself");

        event(new CountedNow(1));
    }

    /**
     * @return iterable<string, array{string}>
     */
    public static function clients(): iterable
    {
        yield 'phpredis' => ['phpredis'];
        yield 'predis' => ['predis'];
    }

    private function addBroadcaster(string $name = 'reverb'): RememberingBroadcaster
    {
        $broadcaster = new RememberingBroadcaster;

        config(["broadcasting.connections.{$name}" => ['driver' => $name]]);
        Broadcast::extend($name, fn () => $broadcaster);

        return $broadcaster;
    }

    /**
     * What is logged from now on.
     *
     * @return \ArrayObject<int, string>
     */
    private function logged(string $level): \ArrayObject
    {
        $messages = new \ArrayObject;

        Event::listen(MessageLogged::class, function (MessageLogged $log) use ($level, $messages) {
            $log->level === $level ? $messages->append($log->message) : null;
        });

        return $messages;
    }
}
