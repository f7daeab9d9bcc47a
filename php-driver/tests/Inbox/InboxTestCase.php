<?php

namespace HmsSync\Tests\Inbox;

use HmsSync\Events\EnvelopeReceived;
use HmsSync\Inbound\EnvelopeHandler;
use HmsSync\Tests\Support\OnRealDatabases;
use HmsSync\Tests\TestCase;
use Illuminate\Database\Connection;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Event;
use Symfony\Component\Process\InputStream;
use Symfony\Component\Process\Process;
use Throwable;

/**
 * Boots the application on a real database, where listeners leave their effects in the table "inspections".
 */
abstract class InboxTestCase extends TestCase
{
    use OnRealDatabases {
        databases as private servers;
    }

    /**
     * @return iterable<string, array{string}>
     */
    public static function databases(): iterable
    {
        yield from self::servers();
        yield 'MySQL driver' => ['mysql'];
    }

    /**
     * Boot the application with a migrated database of its own.
     *
     * @param  array<string, mixed>  $config
     */
    protected function bootOn(string $driver, array $config = []): void
    {
        $this->boot([
            'database.default' => $driver,
            "database.connections.{$driver}" => $this->freshDatabase($driver),
            'queue.default' => 'database',
            ...$config,
        ]);

        $this->call('migrate', ['--force' => true]);
    }

    /**
     * Have nothing but this listen to events of unmapped topics.
     *
     * @param  callable(EnvelopeReceived): mixed  ...$listeners
     */
    protected function listen(callable ...$listeners): void
    {
        Event::forget(EnvelopeReceived::class);

        foreach ($listeners as $listener) {
            Event::listen(EnvelopeReceived::class, fn (EnvelopeReceived $event) => $listener($event));
        }
    }

    /**
     * What a listener of these tests does: the effect of the event.
     */
    protected function effect(EnvelopeReceived $event, ?string $connection = null): void
    {
        DB::connection($connection)->table('inspections')->insert(['status' => substr($event->envelope->id, 0, 200)]);
    }

    protected function handle(string $envelope): void
    {
        $this->app->make(EnvelopeHandler::class)->handle($envelope);
    }

    /**
     * Handle what must fail, and see that no transaction remains.
     */
    protected function failing(string $envelope): Throwable
    {
        try {
            $this->handle($envelope);
        } catch (Throwable $e) {
            self::assertSame(0, $this->connection()->transactionLevel());
            self::assertNotNull($this->connection()->selectOne('select 1')); // Connects again when the connection was closed.
            self::assertFalse($this->connection()->getPdo()->inTransaction());
            self::assertSame([], $this->app->make('db.transactions')->getPendingTransactions()->all());

            return $e;
        }

        self::fail('it did not fail');
    }

    /**
     * The ids of the events that had their effect, in order.
     *
     * @return list<string>
     */
    protected function effects(): array
    {
        return array_values(DB::table('inspections')->orderBy('id')->pluck('status')->all());
    }

    /**
     * The ids of the events in the inbox.
     *
     * @return list<string>
     */
    protected function inbox(): array
    {
        return array_values(DB::table('hms_sync_inbox')->orderBy('event_id')->pluck('event_id')->all());
    }

    protected function connection(): Connection
    {
        return $this->app->make('db')->connection();
    }

    /**
     * Handle an envelope in a process of its own, on the same database, up to a step at which it is killed or, with
     * "hold", waits for a line.
     */
    protected function process(string $envelope, string $step = 'end', ?InputStream $input = null): Process
    {
        return $this->start([__DIR__.'/handle.php', $step, $envelope], ['QUEUE_CONNECTION' => 'database'], $input);
    }
}
