<?php

namespace HmsSync\Tests\Inbound;

use App\Events\InspectionRescheduled;
use HmsSync\Events\EnvelopeReceived;
use HmsSync\Inbound\InboundSetupException;
use HmsSync\Inbound\Undeliverable;
use HmsSync\Tests\Fixtures\Reading;
use HmsSync\Tests\Inbound\Events\Late;
use HmsSync\Tests\Inbox\AfterCommitListener;
use HmsSync\Tests\Inbox\InboxTestCase;
use HmsSync\Tests\Inbox\StoringListener;
use HmsSync\Tests\Support\RedisServer;
use Illuminate\Log\Events\MessageLogged;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Event;
use Illuminate\Support\Facades\Queue;
use PHPUnit\Framework\Attributes\DataProvider;
use RuntimeException;

class EnvelopeHandlerTest extends InboxTestCase
{
    private const RESCHEDULED = ['topic' => 'inspections.rescheduled'];

    private bool $fails = true;

    public function test_the_listeners_of_the_class_that_the_topic_is_mapped_to_get_it(): void
    {
        $seen = [];
        Event::forget(InspectionRescheduled::class);
        Event::listen(function (InspectionRescheduled $event) use (&$seen) {
            $seen[] = [$event->inspectionId, $event->scheduledFor->toRfc3339String(), $event->reason];
        });

        $this->handle(Envelopes::text(self::RESCHEDULED, '{"inspectionId":42,"scheduledFor":"2024-05-02T09:00:00Z"}'));

        self::assertSame([[42, '2024-05-02T09:00:00+00:00', null]], $seen);
    }

    public function test_a_payload_that_does_not_fit_reaches_no_listener_and_leaves_no_row(): void
    {
        $this->bootOn('sqlite');
        $this->listen($this->effect(...));

        $failure = $this->failing(Envelopes::once('a', self::RESCHEDULED, '{"inspectionId":"42"}'));

        self::assertInstanceOf(Undeliverable::class, $failure);
        self::assertStringContainsString('field inspectionId: expected int, got string', $failure->getMessage());
        self::assertSame([[], []], [$this->effects(), $this->inbox()]);
    }

    public function test_a_listener_may_declare_an_event_undeliverable_and_nothing_of_it_is_stored(): void
    {
        $this->bootOn('sqlite');
        $this->listen($this->effect(...), fn () => throw new Undeliverable('no such inspection'));

        self::assertInstanceOf(Undeliverable::class, $this->failing(Envelopes::once('a')));
        self::assertSame([[], []], [$this->effects(), $this->inbox()]);
    }

    public function test_a_mistake_in_the_list_of_classes_does_not_lose_the_event(): void
    {
        $this->bootOn('sqlite');
        config(['hms-sync.inbound' => ['agency.notices' => 'App\Events\Missing']]);

        self::assertInstanceOf(InboundSetupException::class, $this->failing(Envelopes::once('a')));
        self::assertSame([], $this->inbox());
    }

    public function test_the_listener_does_not_start_with_a_mistake_in_the_list_of_classes(): void
    {
        config(['hms-sync.inbound' => ['agency.notices' => Late::class, 'agency.orders' => 'App\Events\Missing']]);

        $this->expectException(InboundSetupException::class);
        $this->expectExceptionMessage("'agency.orders': [App\Events\Missing] is not the name of a class");

        $this->call('hms-sync:listen', ['--once' => true]);
    }

    public function test_a_listener_that_returns_false_stops_those_after_it_and_the_event_counts_as_handled(): void
    {
        $this->bootOn('sqlite');
        $this->listen($this->effect(...), fn () => false, $this->effect(...));

        $this->handle(Envelopes::once('a'));
        $this->handle(Envelopes::once('a'));

        self::assertSame([['a'], ['a']], [$this->effects(), $this->inbox()]);
    }

    public function test_an_event_that_waits_for_the_commit_is_refused_where_it_could_be_lost(): void
    {
        $this->bootOn('sqlite', ['hms-sync.inbound' => ['agency.notices' => Late::class]]);
        Event::listen(Late::class, fn () => DB::table('inspections')->insert(['status' => 'late']));

        $failure = $this->failing(Envelopes::once('a'));
        $this->handle(Envelopes::text());

        self::assertInstanceOf(InboundSetupException::class, $failure);
        self::assertStringContainsString('['.Late::class.'] implements ShouldDispatchAfterCommit', $failure->getMessage());
        self::assertSame([['late'], []], [$this->effects(), $this->inbox()]);
    }

    public function test_an_event_to_which_nothing_listens_is_told_in_the_log_without_its_payload(): void
    {
        $this->boot(['logging.default' => 'single', 'logging.channels.single' => ['driver' => 'monolog', 'handler' => \Monolog\Handler\NullHandler::class]]);
        $logged = [];
        Event::listen(MessageLogged::class, function (MessageLogged $message) use (&$logged) {
            $logged[] = [$message->level, $message->message, $message->context];
        });

        $this->handle(Envelopes::text(['id' => 'a']));
        Event::listen(EnvelopeReceived::class, fn () => null);
        $this->handle(Envelopes::text(['id' => 'b']));

        self::assertSame([[
            'warning', 'HMS-Sync: an event of topic [agency.notices] has no effect: nothing listens to [HmsSync\Events\EnvelopeReceived].', ['id' => 'a'],
        ]], $logged);
    }

    public function test_event_fake_records_what_comes_in(): void
    {
        Event::fake();

        $this->handle(Envelopes::text());

        Event::assertDispatched(EnvelopeReceived::class, fn (EnvelopeReceived $event) => $event->envelope->payload === ['inspectionId' => 42]);
    }

    #[DataProvider('databases')]
    public function test_a_queued_listener_on_a_database_queue_of_the_same_connection_is_queued_exactly_once(string $database): void
    {
        $this->bootOn($database);
        $this->listen();
        Event::listen(EnvelopeReceived::class, StoringListener::class);
        Event::listen(EnvelopeReceived::class, $this->failWhileItShall(...));

        $this->failing(Envelopes::once('a'));
        self::assertSame(0, DB::table('jobs')->count());

        $this->fails = false;
        $this->handle(Envelopes::once('a'));
        $this->handle(Envelopes::once('a'));
        self::assertSame(1, DB::table('jobs')->count());

        $this->work();
        self::assertSame(['queued a'], $this->effects());
    }

    /**
     * docs/laravel/inbound.md says so.
     */
    public function test_a_queued_listener_on_a_redis_queue_escapes_the_rollback(): void
    {
        $this->bootOn('sqlite', ['queue.default' => 'redis', 'database.redis.default.port' => RedisServer::shared()->port]);
        $this->listen();
        Event::listen(EnvelopeReceived::class, StoringListener::class);
        Event::listen(EnvelopeReceived::class, fn () => throw new RuntimeException('no'));

        $this->failing(Envelopes::once('a'));
        $this->failing(Envelopes::once('a'));

        self::assertSame(2, Queue::size());
        self::assertSame([], $this->inbox());
    }

    public function test_a_listener_queued_after_the_commit_is_not_queued_when_there_is_none(): void
    {
        $this->bootOn('sqlite', ['queue.default' => 'redis', 'database.redis.default.port' => RedisServer::shared()->port]);
        $this->listen();
        Event::listen(EnvelopeReceived::class, AfterCommitListener::class);
        Event::listen(EnvelopeReceived::class, $this->failWhileItShall(...));

        $this->failing(Envelopes::once('a'));
        self::assertSame(0, Queue::size());

        $this->fails = false;
        $this->handle(Envelopes::once('a'));
        self::assertSame(1, Queue::size());
    }

    public function test_what_a_listener_broadcasts_at_once_is_out_even_when_the_event_is_rolled_back(): void
    {
        $this->bootOn('sqlite');
        $this->listen(fn () => event(new Reading), fn () => throw new RuntimeException('no'));

        $this->failing(Envelopes::once('a'));

        self::assertCount(1, $this->entries());
    }

    private function failWhileItShall(): void
    {
        if ($this->fails) {
            throw new RuntimeException('no');
        }
    }
}
