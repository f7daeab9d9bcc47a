<?php

/*
| Handles one envelope and has itself killed on the way:
|
|   php handle.php <step> <envelope>
|
| The step is "begun", "recorded", "listened", "committing", "callbacks" (committed, but what waits for the commit has
| not run), "committed", or "end" for none. At "hold" it says so after the effect and waits for a line.
*/

use HmsSync\Events\EnvelopeReceived;
use HmsSync\Inbound\EnvelopeHandler;
use HmsSync\Tests\Inbox\AfterCommitListener;
use Illuminate\Contracts\Console\Kernel;
use Illuminate\Database\Events\TransactionBeginning;
use Illuminate\Database\Events\TransactionCommitted;
use Illuminate\Database\Events\TransactionCommitting;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Event;

$root = __DIR__.'/../../../test/laravel-app';

require $root.'/bootstrap/autoload.php';

$app = require $root.'/bootstrap/app.php';
$app->make(Kernel::class)->bootstrap();

[, $step, $envelope] = $argv;

$at = fn (string $reached) => function () use ($reached, $step) {
    if ($reached === $step) {
        posix_kill((int) getmypid(), SIGKILL);
    }
};

Event::listen(TransactionBeginning::class, $at('begun'));
Event::listen(TransactionBeginning::class, function () {
    echo "begun\n";
});
Event::listen(EnvelopeReceived::class, $at('recorded'));
Event::listen(EnvelopeReceived::class, fn () => DB::afterCommit($at('callbacks')));
Event::listen(EnvelopeReceived::class, function (EnvelopeReceived $event) use ($step) {
    DB::table('inspections')->insert(['status' => $event->envelope->id]);

    if ($step === 'hold') {
        echo "holding\n";
        fgets(STDIN);
    }
});
Event::listen(EnvelopeReceived::class, AfterCommitListener::class);
Event::listen(EnvelopeReceived::class, $at('listened'));
Event::listen(TransactionCommitting::class, $at('committing'));

Event::listen(TransactionCommitted::class, $at('committed'));

$app->make(EnvelopeHandler::class)->handle($envelope);

echo "handled\n";
