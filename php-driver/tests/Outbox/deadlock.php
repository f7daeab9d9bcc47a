<?php

/*
| Changes two rows in a transaction of up to three attempts and fires events in it: php deadlock.php <first> <second> <n>
| It says "locked" when it has the first row, and asks for the second one when it gets SIGUSR1.
*/

use App\Models\Inspection;
use HmsSync\Tests\Outbox\Fixtures\Counted;
use HmsSync\Tests\Outbox\Fixtures\CountedAfterCommit;
use HmsSync\Tests\Outbox\Fixtures\CountedNow;
use Illuminate\Contracts\Console\Kernel;
use Illuminate\Support\Facades\DB;

$root = __DIR__.'/../../../test/laravel-app';

require $root.'/bootstrap/autoload.php';

$app = require $root.'/bootstrap/app.php';
$app->make(Kernel::class)->bootstrap();

pcntl_sigprocmask(SIG_BLOCK, [SIGUSR1]);

[, $first, $second, $n] = array_map(intval(...), $argv);
$attempt = 0;

DB::transaction(function () use ($first, $second, $n, &$attempt) {
    Inspection::query()->whereKey($first)->update(['status' => "by {$n}"]);
    event(new Counted($n));
    event(new CountedNow($n + 1));
    event(new CountedAfterCommit($n + 2));

    if (++$attempt === 1) {
        echo "locked\n";
        pcntl_sigwaitinfo([SIGUSR1]);
    }

    Inspection::query()->whereKey($second)->update(['status' => "by {$n}"]);
}, 3);

echo "attempts: {$attempt}\n";
