<?php

namespace HmsSync\Tests\Fixtures;

use Illuminate\Contracts\Queue\ShouldQueue;
use Illuminate\Foundation\Queue\Queueable;
use RuntimeException;

/**
 * A job that broadcasts other readings on each attempt, and fails on all but the last.
 */
class ReadMeters implements ShouldQueue
{
    use Queueable;

    public int $tries = 5;

    /**
     * @param  list<list<int>>  $readings  what to broadcast, by attempt
     * @param  string  $how  "now", "sync" (as a job on the sync queue) or "nested" (in a job on the sync queue)
     */
    public function __construct(protected array $readings, protected string $how = 'now')
    {
        //
    }

    public function handle(): void
    {
        $attempt = $this->attempts();

        foreach ($this->readings[$attempt - 1] as $n) {
            $this->broadcast($n);
        }

        if ($attempt < count($this->readings)) {
            throw new RuntimeException('try again');
        }
    }

    protected function broadcast(int $n): void
    {
        match ($this->how) {
            'now' => event(new Reading(['n' => $n])),
            'sync' => event(new ReadingOnSyncQueue($n)),
            'nested' => dispatch_sync(new self([[$n]])),
            default => throw new RuntimeException("no such way to broadcast: {$this->how}"),
        };
    }
}
