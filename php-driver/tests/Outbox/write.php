<?php

/*
| Writes so many events of one key, each in a transaction of its own: php write.php <key> <count>
*/

use App\Models\Inspection;
use Illuminate\Contracts\Console\Kernel;
use Illuminate\Support\Facades\Broadcast;
use Illuminate\Support\Facades\DB;

$root = __DIR__.'/../../../test/laravel-app';

require $root.'/bootstrap/autoload.php';

$app = require $root.'/bootstrap/app.php';
$app->make(Kernel::class)->bootstrap();

[, $key, $count] = $argv;

for ($n = 1; $n <= (int) $count; $n++) {
    DB::transaction(function () use ($key, $n) {
        Inspection::query()->create(['status' => 'Completed']);
        Broadcast::on("topic.{$key}")->with(['key' => $key, 'n' => $n])->send();
    });
}
