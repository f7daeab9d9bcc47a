<?php

namespace HmsSync\Tests\Testing;

use App\Events\InspectionCompleted;
use HmsSync\HmsSync;
use HmsSync\Origin\CurrentOrigin;
use HmsSync\Schema\SchemaViolation;
use HmsSync\Testing\Published;
use HmsSync\Tests\Fixtures\IdentifiedReading;
use HmsSync\Tests\Fixtures\QueuedReading;
use HmsSync\Tests\Fixtures\Reading;
use HmsSync\Tests\Fixtures\SteeredReading;
use HmsSync\Tests\Fixtures\UniqueReading;
use HmsSync\Tests\Fixtures\VersionedReading;
use HmsSync\Tests\TestCase;
use Illuminate\Broadcasting\BroadcastEvent;
use Illuminate\Broadcasting\PrivateChannel;
use Illuminate\Contracts\Broadcasting\Broadcaster;
use Illuminate\Contracts\Broadcasting\Factory;
use Illuminate\Support\Facades\Broadcast;
use Illuminate\Support\Facades\Bus;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Event;
use Illuminate\Support\Facades\Queue;
use LogicException;
use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\ExpectationFailedException;

class HmsSyncFakeTest extends TestCase
{
    private const SCHEMAS = ['hms-sync.schemas.topics' => __DIR__.'/../Schema/bus/topics.yaml'];

    #[DataProvider('outbox')]
    public function test_every_way_to_broadcast_is_recorded_and_none_sent(bool $outbox): void
    {
        $this->bootWithDatabaseQueue(['hms-sync.outbox.enabled' => $outbox]);
        $this->app->make(Broadcaster::class);
        Broadcast::connection();
        HmsSync::fake();

        event(new Reading);
        event(new QueuedReading(1));
        broadcast(new QueuedReading(2))->toOthers();
        event(new UniqueReading(3));
        event(new UniqueReading(3));
        dispatch_sync(new BroadcastEvent(new QueuedReading(4)));
        Broadcast::on('inspections.status')->as('inspection.noted')->with(['n' => 5])->send();
        Broadcast::private('inspections.status')->as('inspection.noted')->with(['n' => 6])->sendNow();
        Broadcast::connection('hms-sync')->broadcast(['inspections.status'], 'handed.over', ['n' => 7]);
        $this->app->make(Broadcaster::class)->broadcast(['inspections.status'], 'handed.over', ['n' => 8]);
        $this->app->make(Factory::class)->connection()->broadcast(['inspections.status'], 'handed.over', ['n' => 9]);
        Broadcast::broadcast(['inspections.status'], 'handed.over', ['n' => 10]);

        HmsSync::assertPublishedTimes('reading');
        HmsSync::assertPublishedTimes(QueuedReading::class, 3);
        HmsSync::assertPublishedTimes(UniqueReading::class, 2);
        HmsSync::assertPublishedTimes('inspection.noted', 2);
        HmsSync::assertPublishedTimes('handed.over', 4);
        self::assertSame([1, 1, 2, 3, 3, 4, 5, 6, 7, 8, 9, 10], HmsSync::published()->map(fn (Published $each) => $each->payload['n'] ?? null)->all());
        self::assertSame([], $this->entries());
        self::assertSame(0, $this->app->make('queue')->connection('database')->size());
    }

    /**
     * @return iterable<string, array{bool}>
     */
    public static function outbox(): iterable
    {
        yield 'without the outbox' => [false];
        yield 'with the outbox' => [true];
    }

    #[DataProvider('outbox')]
    public function test_an_event_that_waits_for_the_commit_is_recorded_once_and_after_a_rollback_not_at_all(bool $outbox): void
    {
        $this->bootWithDatabaseQueue(['hms-sync.outbox.enabled' => $outbox]);
        HmsSync::fake();

        DB::transaction(function () {
            event(new ReadingAfterCommit(1));
            HmsSync::assertNothingPublished();
        });

        DB::beginTransaction();
        event(new ReadingAfterCommit(2));
        DB::rollBack();

        self::assertSame([1], HmsSync::published()->pluck('payload.n')->all());
    }

    public function test_the_payload_is_that_for_consumers(): void
    {
        HmsSync::fake();

        event(new SteeredReading);
        event(new IdentifiedReading('reading-1'));

        self::assertSame(['n' => 1, 'note' => 'kept'], HmsSync::published(SteeredReading::class)->sole()->payload);
        self::assertSame('reading-1', HmsSync::published('reading')->sole()->id);
    }

    public function test_a_channel_is_its_topic_without_the_prefix(): void
    {
        HmsSync::fake();

        event(new Reading(channels: [new PrivateChannel('inspections.status'), 'presence-rooms', 'plain']));

        HmsSync::assertPublishedTimes('reading');
        HmsSync::assertPublishedOn('inspections.status', 'reading');
        HmsSync::assertPublishedOn('rooms', 'reading');
        HmsSync::assertPublishedOn('plain', 'reading');
        $this->assertFails('The expected [reading] was not published on [private-inspections.status]', fn () => HmsSync::assertPublishedOn('private-inspections.status', 'reading'));
    }

    public function test_a_callback_gets_the_event_or_what_was_published_as_it_asks(): void
    {
        HmsSync::fake();

        event(new QueuedReading(1));
        event(new Reading(['n' => 2]));

        HmsSync::assertPublished(QueuedReading::class, fn (QueuedReading $event, Published $published) => $event->n === 1 && $published->payload === ['n' => 1]);
        HmsSync::assertPublished(fn (QueuedReading $event) => $event->n === 1);
        HmsSync::assertPublished(fn (Published $published, Reading|QueuedReading $event) => $published->payload === ['n' => 2] && $event instanceof Reading);
        HmsSync::assertPublished('reading', fn ($published) => $published->topics() === ['inspections.status']);
        HmsSync::assertPublished('reading', 1);
        HmsSync::assertPublishedOn('inspections.status', fn (QueuedReading $event) => $event->n === 1);
        HmsSync::assertNotPublished(fn (QueuedReading $event) => $event->n === 2);
        HmsSync::assertNotPublished('reading', fn (QueuedReading $event) => true);
        self::assertCount(2, HmsSync::published());
    }

    public function test_a_failed_assertion_lists_what_was_published(): void
    {
        HmsSync::fake();
        $this->assertFails('The expected [App\Events\InspectionCompleted] was not published. Nothing was published.', fn () => HmsSync::assertPublished(InspectionCompleted::class));

        event(new Reading(['n' => 1]));

        $list = ". Published:\n  - HmsSync\\Tests\\Fixtures\\Reading as \"reading\" on inspections.status: {\"n\":1}";
        $this->assertFails('The expected [x] was not published'.$list, fn () => HmsSync::assertPublished('x'));
        $this->assertFails('The expected [reading] was not published as the callback wants it'.$list, fn () => HmsSync::assertPublished('reading', fn () => false));
        $this->assertFails('The expected [reading] was not published on [x]'.$list, fn () => HmsSync::assertPublishedOn('x', 'reading'));
        $this->assertFails('The expected [reading] was published 1 time instead of 2 times'.$list, fn () => HmsSync::assertPublishedTimes('reading', 2));
        $this->assertFails('The unexpected [reading] was published'.$list, fn () => HmsSync::assertNotPublished('reading'));
        $this->assertFails('1 unexpected event would have gone to the bus'.$list, fn () => HmsSync::assertNothingPublished());
    }

    public function test_nothing_is_published_by_an_event_that_is_not_broadcast(): void
    {
        HmsSync::fake();

        event('plain.event');
        event(new Reading(channels: []));
        Event::fake();
        event(new Reading);

        Event::assertDispatched(Reading::class);
        HmsSync::assertNothingPublished();
    }

    public function test_other_fakes_are_not_disturbed(): void
    {
        Bus::fake();
        Queue::fake();
        HmsSync::fake();

        event(new Reading);
        event(new QueuedReading(1));
        event(new Reading(connections: ['log']));

        HmsSync::assertPublishedTimes('reading', 1);
        HmsSync::assertPublished(QueuedReading::class);
        Queue::assertNothingPushed();
        Bus::assertDispatchedTimes(BroadcastEvent::class, 1);
    }

    public function test_another_connection_still_gets_its_broadcast(): void
    {
        $this->boot(['broadcasting.connections.browser' => ['driver' => 'browser']]);
        $this->app->make('config')->set('logging.channels.browser', ['driver' => 'single', 'path' => $path = tempnam(sys_get_temp_dir(), 'hms-sync')]);
        HmsSync::fake();
        Broadcast::extend('browser', fn () => new \Illuminate\Broadcasting\Broadcasters\LogBroadcaster($this->app->make('log')->channel('browser')));

        event(new Reading(['n' => 1], connections: ['hms-sync', 'browser']));
        event(new Reading(['n' => 2], connections: ['browser']));

        self::assertSame([1], HmsSync::published()->pluck('payload.n')->all());
        self::assertStringContainsString('"n": 1', (string) file_get_contents((string) $path));
        self::assertStringContainsString('"n": 2', (string) file_get_contents((string) $path));
        unlink((string) $path);
    }

    #[DataProvider('silentDrivers')]
    public function test_the_default_connection_counts_as_the_bus_where_tests_have_silenced_it(string $default): void
    {
        $this->boot(['broadcasting.default' => $default]);
        HmsSync::fake();

        event(new Reading(['n' => 1], connections: [null, 'hms-sync']));
        event(new Reading(['n' => 2]));
        event(new Reading(['n' => 3], connections: [$default]));

        self::assertSame([1, 2], HmsSync::published()->pluck('payload.n')->all());
    }

    /**
     * @return iterable<string, array{string}>
     */
    public static function silentDrivers(): iterable
    {
        yield 'null' => ['null'];
        yield 'log' => ['log'];
    }

    public function test_with_schemas_the_payload_is_normalized_and_only_topics_count(): void
    {
        $this->boot(self::SCHEMAS + ['app.env' => 'testing']);
        HmsSync::fake();

        event(new Reading(['inspectionId' => 1, 'timestamp' => '2024-04-23 15:02:11'], ['private-inspections.status', 'dashboard']));
        event(new Reading(['n' => 1], ['dashboard']));

        HmsSync::assertPublishedTimes('reading', 1);
        HmsSync::assertPublishedOn('inspections.status', 'reading', fn (Published $published) => $published->payload === [
            'inspectionId' => 1, 'newStatus' => 'Completed', 'timestamp' => '2024-04-23T15:02:11Z',
        ]);
        $this->assertFails('Channels that are no topic: dashboard', fn () => HmsSync::assertPublishedOn('dashboard', 'reading'));
    }

    public function test_the_version_is_the_stated_one_and_with_schemas_the_one_that_the_bus_takes(): void
    {
        $two = ['id' => 1, 'inspector' => 'X'];

        HmsSync::fake();
        event(new VersionedReading(2));
        event(new VersionedReading(null));
        event(new Reading);

        self::assertSame([2, null, null], HmsSync::published()->pluck('version')->all());
        HmsSync::assertPublishedOn('inspections.status', VersionedReading::class, fn (Published $published) => $published->version === 2);
        $this->assertFails('VersionedReading as "reading" on inspections.status v2: {"n":1}', fn () => HmsSync::assertNothingPublished());
        $this->assertFails('VersionedReading as "reading" on inspections.status: {"n":1}', fn () => HmsSync::assertNothingPublished());

        $this->boot(self::SCHEMAS + ['app.env' => 'testing']);
        HmsSync::fake();
        event(new VersionedReading(2, $two, ['versions.free']));
        event(new VersionedReading(null, $two, ['versions.free']));
        event(new Reading([...$two, 'at' => '2024-04-23 15:02:11'], ['versions.free', 'private-versions.pinned']));

        self::assertSame([2, 2, 4], HmsSync::published()->pluck('version')->all());
        HmsSync::assertPublishedOn('versions.pinned', 'reading', fn (Published $published) => $published->version === 2 && $published->payload['at'] === '2024-04-23T15:02:11Z');
        $this->assertFails('Reading as "reading" on versions.free v4, versions.pinned v2: {', fn () => HmsSync::assertNothingPublished());
    }

    public function test_what_is_no_version_fails_where_it_is_made(): void
    {
        HmsSync::fake();

        self::assertStringContainsString('broadcastVersion() returned 0', $this->failure(fn () => event(new VersionedReading(0)))->getMessage());
        HmsSync::assertNothingPublished();
    }

    public function test_with_schemas_an_event_that_the_bus_would_reject_fails_where_it_is_made(): void
    {
        $this->boot(self::SCHEMAS);
        HmsSync::fake();

        $this->expectException(SchemaViolation::class);

        event(new QueuedReading(1));
    }

    public function test_the_origin_of_a_change_is_recorded(): void
    {
        HmsSync::fake();

        $this->app->make(CurrentOrigin::class)->during('city-health', function () {
            event(new Reading);
            HmsSync::withoutOrigin(fn () => event(new Reading));
        });

        self::assertSame(['city-health', ''], HmsSync::published()->pluck('origin')->all());
    }

    public function test_a_second_fake_begins_anew(): void
    {
        HmsSync::fake();
        event(new Reading);
        HmsSync::fake();

        HmsSync::assertNothingPublished();
        event(new Reading);
        HmsSync::assertPublished('reading');
    }

    public function test_channel_authorization_stays_that_of_the_connection(): void
    {
        Broadcast::channel('rooms.{id}', fn () => true);
        HmsSync::fake();
        Broadcast::channel('halls.{id}', fn () => true);

        self::assertSame(['rooms.{id}', 'halls.{id}'], Broadcast::getChannels()->keys()->all());
    }

    public function test_an_assertion_without_a_fake_says_what_to_call(): void
    {
        $this->expectException(LogicException::class);
        $this->expectExceptionMessage('Call HmsSync::fake()');

        HmsSync::assertNothingPublished();
    }

    private function assertFails(string $message, callable $assertion): void
    {
        try {
            $assertion();
        } catch (ExpectationFailedException $e) {
            self::assertStringContainsString($message, $e->getMessage());

            return;
        }

        self::fail('the assertion did not fail');
    }
}
