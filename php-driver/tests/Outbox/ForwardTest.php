<?php

namespace HmsSync\Tests\Outbox;

use HmsSync\Tests\Outbox\Fixtures\Counted;
use HmsSync\Tests\Outbox\Fixtures\RememberingBroadcaster;
use Illuminate\Http\Request;
use Illuminate\Support\Facades\Broadcast;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Exceptions;
use RuntimeException;

class ForwardTest extends OutboxTestCase
{
    public function test_what_was_relayed_is_forwarded_with_its_socket_and_not_again_when_the_bus_is_refilled(): void
    {
        $this->bootOn('sqlite', ['hms-sync.forward' => ['reverb']]);
        $this->app->instance('request', Request::create('/', server: ['HTTP_X_SOCKET_ID' => '123.456']));
        $reverb = $this->addBroadcaster();

        DB::transaction(fn () => broadcast(new Counted(1))->toOthers());
        self::assertSame([], $reverb->broadcasts);

        $this->relay();
        $this->call('hms-sync:relay', ['--since' => '1h']);

        self::assertCount(2, $this->entries());
        self::assertSame([[
            'channels' => ['inspections.status'], 'event' => 'counted', 'payload' => ['n' => 1, 'socket' => '123.456'],
        ]], $reverb->broadcasts);
    }

    public function test_a_connection_that_fails_is_reported_once_a_batch_and_holds_nothing_up(): void
    {
        $this->bootOn('sqlite', ['hms-sync.forward' => ['reverb']]);
        $reverb = $this->addBroadcaster();
        $reverb->before = fn () => throw new RuntimeException('not at home');
        Exceptions::fake();

        array_map(fn (int $n) => event(new Counted($n)), [1, 2, 3]);
        $this->relay();

        self::assertCount(3, $this->entries());
        Exceptions::assertReportedCount(1);
        Exceptions::assertReported(fn (RuntimeException $e) => str_contains($e->getMessage(), '3 events, the first of them [counted]'));
    }

    public function test_what_is_an_object_in_a_payload_stays_one(): void
    {
        $this->bootOn('sqlite', ['hms-sync.forward' => ['reverb']]);
        $reverb = $this->addBroadcaster();

        Broadcast::on('inspections.status')->with(['empty' => new \stdClass, 'list' => [], 'big' => 9007199254740993])->send();
        $this->relay();

        self::assertSame('{"empty":{},"list":[],"big":9007199254740993,"socket":null}', json_encode($reverb->broadcasts[0]['payload']));
    }

    private function addBroadcaster(): RememberingBroadcaster
    {
        $broadcaster = new RememberingBroadcaster;

        config(['broadcasting.connections.reverb' => ['driver' => 'remembering']]);
        Broadcast::extend('remembering', fn () => $broadcaster);

        return $broadcaster;
    }
}
