<?php

namespace HmsSync\Outbox;

use Closure;
use HmsSync\Broadcasting\BusConnections;
use Illuminate\Contracts\Broadcasting\ShouldBroadcast;
use Illuminate\Contracts\Events\ShouldDispatchAfterCommit;
use Illuminate\Database\Connection;
use Illuminate\Database\DatabaseTransactionRecord;
use Illuminate\Database\DatabaseTransactionsManager;
use Illuminate\Database\Events\TransactionCommitting;
use Illuminate\Events\Dispatcher;
use ReflectionFunction;
use Throwable;
use WeakMap;

/**
 * Writes the events that Laravel keeps back until after the commit (ShouldDispatchAfterCommit) into the outbox right
 * before the commit: a process that dies in between would lose them.
 *
 * Laravel keeps each of them as a closure of its event dispatcher, of which the event is read. Should a later release
 * keep them otherwise, they are written after the commit, as they would be without this class.
 */
class EarlyBroadcasts
{
    /**
     * The closures whose events were written, by event.
     *
     * @var WeakMap<object, WeakMap<Closure, true>>
     */
    protected WeakMap $written;

    /**
     * Create a new instance.
     */
    public function __construct(
        protected BusConnections $bus,
        protected DatabaseTransactionsManager $transactions,
        protected OutboxConnections $connections,
        protected Outbox $outbox,
    ) {
        $this->written = new WeakMap;
    }

    /**
     * Write the events of a transaction that is about to be committed.
     *
     * @throws Throwable when one cannot be written; the transaction is rolled back then
     */
    public function write(TransactionCommitting $committing): void
    {
        if (! $this->outbox->isEnabled()) {
            return;
        }

        try {
            foreach ($this->deferred($committing->connection) as [$closure, $event]) {
                $this->writeOne($committing->connection, $closure, $event);
            }
        } catch (Throwable $e) {
            $committing->connection->rollBack(0);

            throw $e;
        }
    }

    /**
     * Determine whether an event that Laravel broadcasts now was written before the commit, once for each time.
     */
    public function take(object $event): bool
    {
        foreach ($this->written[$event] ?? [] as $closure => $true) {
            unset($this->written[$event][$closure]);

            return true;
        }

        return false;
    }

    /**
     * Write one event.
     */
    protected function writeOne(Connection $connection, Closure $closure, object $event): void
    {
        if (! $this->isBroadcast($event) || $this->bus->count($event)[0] === 0) {
            return;
        }

        $this->connections->on($connection, $event::class, fn () => $this->bus->broadcast($event));

        /** @var WeakMap<Closure, true> $closures */
        $closures = $this->written[$event] ?? new WeakMap;
        $closures[$closure] = true;

        $this->written[$event] = $closures;
    }

    /**
     * Determine whether an event wants to be broadcast, as Laravel's dispatcher does.
     */
    protected function isBroadcast(object $event): bool
    {
        return $event instanceof ShouldBroadcast && (! method_exists($event, 'broadcastWhen') || $event->broadcastWhen());
    }

    /**
     * Get the events that are kept back until the commit on this connection, in the order in which Laravel will
     * dispatch them.
     *
     * @return list<array{Closure, object}>
     */
    protected function deferred(Connection $connection): array
    {
        $deferred = [];

        $callbacks = $this->transactions->getCommittedTransactions()->concat($this->transactions->getPendingTransactions())
            ->filter(fn (DatabaseTransactionRecord $transaction) => $transaction->connection === $connection->getName())
            ->flatMap(fn (DatabaseTransactionRecord $transaction) => $transaction->getCallbacks());

        foreach ($callbacks as $callback) {
            if ($callback instanceof Closure && $event = $this->eventOf($callback)) {
                $deferred[] = [$callback, $event];
            }
        }

        return $deferred;
    }

    /**
     * Get the event that a closure will dispatch, null when it is no such closure.
     */
    protected function eventOf(Closure $closure): ?object
    {
        $function = new ReflectionFunction($closure);
        $variables = $function->getClosureUsedVariables();

        if (! $function->getClosureThis() instanceof Dispatcher || ! array_key_exists('halt', $variables)) {
            return null;
        }

        $event = ($variables['parsedPayload'] ?? $variables['payload'] ?? null)[0] ?? null;

        return $event instanceof ShouldDispatchAfterCommit ? $event : null;
    }
}
