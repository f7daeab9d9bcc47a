<?php

// Fires events with event() at a steady rate, in a Laravel application with the hms-sync driver. The time of the call, of
// the clock that Node's process.hrtime() reads, is in the payload.
// usage: HMS_SYNC_REDIS_URL=redis://127.0.0.1:6379 php emit.php COUNT RATE

require __DIR__.'/application.php';

class TimedEvent implements Illuminate\Contracts\Broadcasting\ShouldBroadcastNow
{
    public string $newStatus = 'Completed';

    public string $completedBy = 'INSPECTOR_1337';

    public string $notes = 'no findings; next visit in twelve months; keys with the caretaker';

    public string $sentAt;

    public function __construct(public int $inspectionId)
    {
        $this->sentAt = (string) hrtime(true);
    }

    public function broadcastOn(): array
    {
        return [new Illuminate\Broadcasting\Channel('bench.events')];
    }
}

[, $count, $rate] = $argv;

application(['broadcasting.default' => 'hms-sync', 'hms-sync.outbox.enabled' => false]);

$start = hrtime(true);

for ($i = 0; $i < $count; $i++) {
    $wait = $start + $i * 1e9 / $rate - hrtime(true);

    if ($wait > 0) {
        usleep((int) ($wait / 1000));
    }

    event(new TimedEvent($i));
}
