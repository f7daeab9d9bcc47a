<?php

/*
| Writes an event in a transaction that it commits when it gets SIGUSR1.
*/

use HmsSync\Tests\Outbox\Fixtures\Counted;
use Illuminate\Contracts\Console\Kernel;
use Illuminate\Support\Facades\DB;

$root = __DIR__.'/../../../test/laravel-app';

require $root.'/bootstrap/autoload.php';

$app = require $root.'/bootstrap/app.php';
$app->make(Kernel::class)->bootstrap();

pcntl_sigprocmask(SIG_BLOCK, [SIGUSR1]);

DB::transaction(function () {
    event(new Counted(1));
    echo "written\n";
    pcntl_sigwaitinfo([SIGUSR1]);
});
