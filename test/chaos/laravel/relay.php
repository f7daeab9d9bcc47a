<?php

/*
| "php artisan hms-sync:relay", ended after 30 seconds so that its supervisor has something to do. With HALT_BEFORE (a part of a
| query) and HALT_SIGNAL (a number) it sends itself that signal, once, when it comes to such a query.
*/

use Illuminate\Support\Facades\DB;

$kernel = require __DIR__.'/application.php';
$before = (string) getenv('HALT_BEFORE');

DB::connection()->beforeExecuting(function (string $query) use (&$before) {
    if ($before !== '' && str_contains(str_replace('"', '', $query), $before)) {
        $before = '';
        posix_kill((int) getmypid(), (int) getenv('HALT_SIGNAL'));
    }
});

fwrite(STDERR, date(DATE_ATOM)." the relay runs\n");

exit($kernel->call('hms-sync:relay', ['--max-time' => 30]));
