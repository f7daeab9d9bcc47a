<?php

// How many jobs a second Laravel's worker handles, from the first to the last: empty jobs of a redis queue, or external
// events with an empty listener. Prints one JSON line.
// usage: php work.php queue|listen COUNT

use HmsSync\Events\EnvelopeReceived;
use Illuminate\Contracts\Console\Kernel;
use Illuminate\Contracts\Queue\ShouldQueue;
use Illuminate\Foundation\Queue\Queueable;
use Illuminate\Queue\Events\JobProcessed;
use Illuminate\Queue\Events\JobProcessing;

require __DIR__.'/application.php';

class BenchJob implements ShouldQueue
{
    use Queueable;

    public function __construct(public int $inspectionId, public string $completedBy)
    {
    }

    public function handle(): void
    {
    }
}

[, $mode, $count] = $argv;

$app = application([
    'queue.default' => 'redis',
    'queue.connections.redis' => ['driver' => 'redis', 'connection' => 'default', 'queue' => 'default', 'retry_after' => 90],
    'hms-sync.inbound' => [],
    'cache.default' => 'redis',
    'cache.stores.redis' => ['driver' => 'redis', 'connection' => 'default'],
]);
$artisan = $app->make(Kernel::class);

if ($mode === 'queue') {
    $app->make('queue')->connection('redis')->bulk(array_map(fn (int $i) => new BenchJob($i, 'INSPECTOR_1337'), range(1, $count)));
}

$app->make('events')->listen(EnvelopeReceived::class, fn () => null);

$first = $last = 0;
$handled = 0;

$app->make('events')->listen(JobProcessing::class, function () use (&$first) {
    $first = $first ?: hrtime(true);
});
$app->make('events')->listen(JobProcessed::class, function () use (&$last, &$handled) {
    $last = hrtime(true);
    $handled++;
});

$limit = ['--max-jobs' => $count, '--quiet' => true];

$mode === 'queue'
    ? $artisan->call('queue:work', ['connection' => 'redis', ...$limit])
    : $artisan->call('hms-sync:listen', $limit);

echo json_encode(['handled' => $handled, 'perSecond' => ($handled - 1) / (($last - $first) / 1e9)]), "\n";
