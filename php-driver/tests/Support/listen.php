<?php

/*
| hms-sync:listen in a process of its own, with a listener that tells what it handles ("handling e1", "handled e1") and
| that an event with "wait" holds until a line comes on standard input, one
| with "hang" for ever.
*/

use HmsSync\Events\EnvelopeReceived;
use Illuminate\Contracts\Console\Kernel;
use Symfony\Component\Console\Input\ArgvInput;
use Symfony\Component\Console\Output\ConsoleOutput;

require __DIR__.'/../../../test/laravel-app/bootstrap/autoload.php';

$app = require __DIR__.'/../../../test/laravel-app/bootstrap/app.php';
$app->make(Kernel::class)->bootstrap();

$app->make('events')->listen(EnvelopeReceived::class, function (EnvelopeReceived $event) {
    fwrite(STDOUT, "handling {$event->envelope->id}\n");

    if (isset($event->envelope->payload['wait'])) {
        // A signal ends a read early; the line still comes.
        while (fgets(STDIN) === false && ! feof(STDIN));
    }

    while (isset($event->envelope->payload['hang'])) {
        usleep(10_000);
    }

    fwrite(STDOUT, "handled {$event->envelope->id}\n");
});

fwrite(STDOUT, 'curl '.(extension_loaded('curl') ? 'yes' : 'no')."\n");

exit($app->make(Kernel::class)->handle(new ArgvInput(['artisan', 'hms-sync:listen', '--no-ansi', ...array_slice($argv, 1)]), new ConsoleOutput));
