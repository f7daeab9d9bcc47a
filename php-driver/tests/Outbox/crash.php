<?php

/*
| Writes events, or relays them, and has itself killed on the way:
|
|   php crash.php <where> <nth> write <class of event> <from> <to>
|   php crash.php <where> <nth> relay <batch>
|
| "where" is "committing", "committed", "never", or a part of a query, which is killed before it runs; "nth" says at
| which time. With CRASH=stop in its environment it is stopped there, until it is continued.
*/

use App\Models\Inspection;
use Illuminate\Contracts\Console\Kernel;
use Illuminate\Database\Events\TransactionCommitting;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Event;

$root = __DIR__.'/../../../test/laravel-app';

require $root.'/bootstrap/autoload.php';

$app = require $root.'/bootstrap/app.php';
$kernel = $app->make(Kernel::class);
$kernel->bootstrap();

[, $where, $nth, $work] = $argv;

$reached = function () use (&$nth) {
    if (--$nth === 0) {
        posix_kill((int) getmypid(), getenv('CRASH') === 'stop' ? SIGSTOP : SIGKILL);
    }
};

DB::connection()->beforeExecuting(function (string $query) use ($where, $reached) {
    if (str_contains(str_replace(['"', '`'], '', $query), $where)) {
        $reached();
    }
});

if ($where === 'committing') {
    Event::listen(TransactionCommitting::class, $reached);
}

if ($work === 'relay') {
    exit($kernel->call('hms-sync:relay', ['--stop-when-empty' => true, '--batch' => $argv[4]]));
}

for ($n = (int) $argv[5]; $n <= (int) $argv[6]; $n++) {
    DB::transaction(function () use ($n, $argv, $where, $reached) {
        DB::afterCommit(fn () => $where === 'committed' ? $reached() : null);

        Inspection::query()->create(['id' => $n, 'status' => 'Completed']);
        event(new $argv[4]($n));
    });
}
