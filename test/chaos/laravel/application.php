<?php

/*
| Boots the Laravel application of the tests for a script of the chaos runs.
*/

use Illuminate\Contracts\Console\Kernel;

$root = __DIR__.'/../../laravel-app';

require $root.'/bootstrap/autoload.php';

$app = require $root.'/bootstrap/app.php';
$kernel = $app->make(Kernel::class);
$kernel->bootstrap();

return $kernel;
