<?php

/*
| Works as the requests of inspectors do: one transaction that completes an inspection and fires its event. Each line of
| standard input is one: {"id", "n", "topic", "key", "payload" (text), "fate"}. It answers {"id", "outcome", "detail"}: ok
| when the commit returned, failed when the transaction was rolled back as its fate says, unknown when nobody can tell.
|
| Fates: commit; now (its event is a ShouldBroadcastNow); rollback; savepoint (the savepoint with row and event is rolled back
| and the transaction around it commits); die-inside and die-committed (SIGKILL inside of the transaction, and right after its commit).
*/

use App\Models\Inspection;
use Illuminate\Contracts\Broadcasting\ShouldBroadcast;
use Illuminate\Contracts\Broadcasting\ShouldBroadcastNow;
use Illuminate\Database\UniqueConstraintViolationException;
use Illuminate\Support\Facades\DB;

require __DIR__.'/application.php';

class Completed implements ShouldBroadcast
{
    public function __construct(private stdClass $change) {}

    public function broadcastOn(): array
    {
        return [$this->change->topic];
    }

    public function broadcastAs(): string
    {
        return 'Done';
    }

    public function broadcastId(): string
    {
        return $this->change->id;
    }

    public function broadcastKey(): string
    {
        return $this->change->key;
    }

    public function broadcastWith(): array
    {
        return (array) json_decode($this->change->payload, flags: JSON_THROW_ON_ERROR);
    }
}

class CompletedNow extends Completed implements ShouldBroadcastNow {}

class FatedToFail extends RuntimeException {}

function complete(stdClass $change): void
{
    Inspection::query()->create(['id' => $change->n, 'status' => 'Completed', 'completed_by' => $change->id]);
    event($change->fate === 'now' ? new CompletedNow($change) : new Completed($change));
}

function completeAndRollBack(stdClass $change): void
{
    complete($change);

    throw new FatedToFail;
}

function completeInSavepoint(stdClass $change): void
{
    try {
        DB::transaction(fn () => completeAndRollBack($change));
    } catch (FatedToFail) {
        Inspection::query()->updateOrCreate(['id' => -$change->n], ['status' => 'Scheduled']);
    }
}

function dieHere(): void
{
    posix_kill((int) getmypid(), SIGKILL);
}

function work(stdClass $change): array
{
    try {
        DB::transaction(function () use ($change) {
            match ($change->fate) {
                'rollback' => completeAndRollBack($change),
                'savepoint' => completeInSavepoint($change),
                default => complete($change),
            };
            match ($change->fate) {
                'die-inside' => dieHere(),
                'die-committed' => DB::afterCommit(dieHere(...)),
                default => null,
            };
        });
    } catch (FatedToFail) {
        return ['failed', 'rolled back'];
    } catch (UniqueConstraintViolationException) {
        return ['ok', 'had been committed'];
    }

    return $change->fate === 'savepoint' ? ['failed', 'savepoint rolled back'] : ['ok', 'committed'];
}

while (($line = fgets(STDIN)) !== false) {
    $change = json_decode($line, flags: JSON_THROW_ON_ERROR);

    try {
        [$outcome, $detail] = work($change);
    } catch (Throwable $e) {
        [$outcome, $detail] = ['unknown', get_class($e).' '.mb_strimwidth($e->getMessage(), 0, 200)];
    }

    echo json_encode(['id' => $change->id, 'outcome' => $outcome, 'detail' => $detail], JSON_INVALID_UTF8_SUBSTITUTE)."\n";

    if ($outcome === 'unknown') {
        exit(1); // as a worker of Laravel ends that has lost its database: the next life begins with a new connection
    }
}
