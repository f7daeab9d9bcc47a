<?php

// What one broadcast costs, from broadcast() to its return: Laravel's redis driver, the hms-sync driver, and the
// hms-sync driver with the outbox, in turns of a few hundred in one process, so that noise meets all alike.
// Prints one JSON line: microseconds a broadcast of each, one figure a round.
// usage: REDIS_PORT=6379 REDIS_CLIENT=phpredis php broadcast.php ROUNDS BROADCASTS DATABASE

require __DIR__.'/application.php';

[, $rounds, $count, $database] = $argv;

touch($database);

$drivers = [
    'redis' => ['broadcasting.default' => 'redis'],
    'hms-sync' => ['broadcasting.default' => 'hms-sync'],
    'outbox' => ['broadcasting.default' => 'hms-sync', 'hms-sync.outbox.enabled' => true],
];

$apps = array_map(fn (array $config) => application([
    'database.connections.sqlite.database' => $database,
    ...$config,
]), $drivers);

$apps['outbox']->make(Illuminate\Contracts\Console\Kernel::class)->call('migrate', ['--force' => true]);

$turn = 200;
$figures = array_fill_keys(array_keys($drivers), []);

for ($round = 0; $round <= $rounds; $round++) {
    $spent = array_fill_keys(array_keys($drivers), 0);

    for ($done = 0; $done < $count; $done += $turn) {
        $order = array_keys($drivers);
        shuffle($order);

        foreach ($order as $driver) {
            Illuminate\Container\Container::setInstance($apps[$driver]);
            Illuminate\Support\Facades\Facade::clearResolvedInstances();
            Illuminate\Support\Facades\Facade::setFacadeApplication($apps[$driver]);

            $start = hrtime(true);

            for ($i = 0; $i < $turn; $i++) {
                broadcast(new BenchEvent($i, 'INSPECTOR_1337', '2024-04-23 15:02:11'));
            }

            $spent[$driver] += hrtime(true) - $start;
        }
    }

    // The first round warms up.
    if ($round > 0) {
        foreach ($spent as $driver => $ns) {
            $figures[$driver][] = $ns / 1000 / $count;
        }
    }
}

echo json_encode($figures), "\n";
