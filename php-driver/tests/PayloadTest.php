<?php

namespace HmsSync\Tests;

use HmsSync\Tests\Fixtures\QueuedReading;
use HmsSync\Tests\Fixtures\Reading;
use HmsSync\Tests\Fixtures\SteeredReading;
use HmsSync\Tests\Fixtures\UniqueReading;
use Illuminate\Broadcasting\BroadcastEvent;
use Illuminate\Contracts\Broadcasting\ShouldBroadcastNow;
use Illuminate\Contracts\Bus\Dispatcher;
use Illuminate\Http\Request;

class PayloadTest extends TestCase
{
    public function test_properties_that_steer_the_queue_do_not_reach_the_payload(): void
    {
        event((new SteeredReading)->onConnection('sync')->delay(0)->afterCommit());

        self::assertSame('{"n":1,"note":"kept"}', $this->onlyEntry()['data']);
    }

    public function test_a_unique_event_is_broadcast_like_any_other(): void
    {
        event(new UniqueReading(1));

        $entry = $this->onlyEntry();

        self::assertSame('unique-reading', $entry['id']);
        self::assertSame('{"n":1}', $entry['data']);
    }

    public function test_a_property_named_like_one_of_a_queue_trait_is_payload_where_the_trait_is_not_used(): void
    {
        $event = new class(1) extends QueuedReading
        {
            public string $job = 'inspector';

            public string $middleware = 'none';

            public function broadcastAs(): string
            {
                return 'reading';
            }
        };

        $this->app->make(Dispatcher::class)->dispatchNow(new BroadcastEvent($event));

        self::assertSame('{"job":"inspector","middleware":"none","n":1}', $this->onlyEntry()['data']);
    }

    public function test_what_broadcast_with_returns_is_taken_as_it_is_except_the_socket(): void
    {
        event(new Reading(['queue' => 'north gate', 'delay' => 7, 'tries' => 2, 'socket' => 'x', 'n' => 1]));

        self::assertSame('{"queue":"north gate","delay":7,"tries":2,"n":1}', $this->onlyEntry()['data']);
    }

    public function test_broadcast_with_may_return_the_public_properties_on_purpose(): void
    {
        event(new class implements ShouldBroadcastNow
        {
            public int $n = 1;

            public int $delay = 7;

            public function broadcastOn(): string
            {
                return 'inspections.status';
            }

            public function broadcastAs(): string
            {
                return 'reading';
            }

            /** @return array<string, int> */
            public function broadcastWith(): array
            {
                return ['n' => $this->n, 'delay' => $this->delay];
            }
        });

        self::assertSame('{"n":1,"delay":7}', $this->onlyEntry()['data']);
    }

    public function test_broadcast_with_returning_null_means_the_public_properties(): void
    {
        event(new class implements ShouldBroadcastNow
        {
            public int $n = 1;

            public int $tries = 7;

            public function broadcastOn(): string
            {
                return 'inspections.status';
            }

            public function broadcastAs(): string
            {
                return 'reading';
            }

            public function broadcastWith(): null
            {
                return null;
            }
        });

        self::assertSame('{"n":1}', $this->onlyEntry()['data']);
    }

    public function test_the_socket_of_the_sender_does_not_reach_the_payload(): void
    {
        $this->app->instance('request', Request::create('/', server: ['HTTP_X_SOCKET_ID' => '1234.5678']));

        broadcast(new SteeredReading)->toOthers();

        self::assertSame('{"n":1,"note":"kept"}', $this->onlyEntry()['data']);
    }
}
