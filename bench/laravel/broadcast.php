<?php

// What one broadcast costs, from broadcast() to its return: Laravel's redis driver in an application without this
// package, the hms-sync driver, and the hms-sync driver with the outbox (inside a transaction; its commit and the
// relay are not counted), in turns of a few hundred in one process, so that noise meets all alike.
// Prints one JSON line: microseconds a broadcast of each, median and mean, for each round.
// usage: REDIS_PORT=6379 REDIS_CLIENT=phpredis php broadcast.php ROUNDS BROADCASTS DATABASE

require __DIR__.'/application.php';

[, $rounds, $count, $database] = $argv;

touch($database);

$drivers = [
    'redis' => ['broadcasting.default' => 'redis'],
    'hms-sync' => ['broadcasting.default' => 'hms-sync'],
    'outbox' => ['broadcasting.default' => 'hms-sync', 'hms-sync.outbox.enabled' => true],
];

foreach ($drivers as $driver => $config) {
    $apps[$driver] = application(['database.connections.sqlite.database' => $database, ...$config], $driver !== 'redis');
}

$apps['outbox']->make(Illuminate\Contracts\Console\Kernel::class)->call('migrate', ['--force' => true]);

$turn = 200;
$figures = array_fill_keys(array_keys($drivers), []);

for ($round = 0; $round <= $rounds; $round++) {
    $spent = array_fill_keys(array_keys($drivers), []);

    for ($done = 0; $done < $count; $done += $turn) {
        $order = array_keys($drivers);
        shuffle($order);

        foreach ($order as $driver) {
            Illuminate\Container\Container::setInstance($apps[$driver]);
            Illuminate\Support\Facades\Facade::clearResolvedInstances();
            Illuminate\Support\Facades\Facade::setFacadeApplication($apps[$driver]);

            $broadcasts = function () use ($turn, $driver, &$spent) {
                for ($i = 0; $i < $turn; $i++) {
                    $event = new BenchEvent($i, 'INSPECTOR_1337', '2024-04-23 15:02:11');
                    $start = hrtime(true);
                    broadcast($event);
                    $spent[$driver][] = hrtime(true) - $start;
                }
            };

            $driver === 'outbox' ? $apps[$driver]->make('db')->transaction($broadcasts) : $broadcasts();
        }
    }

    // The first round warms up.
    if ($round > 0) {
        foreach ($spent as $driver => $ns) {
            sort($ns);
            $figures[$driver][] = ['median' => $ns[intdiv(count($ns), 2)] / 1000, 'mean' => array_sum($ns) / count($ns) / 1000];
        }
    }
}

echo json_encode($figures), "\n";
