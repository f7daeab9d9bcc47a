<?php

/*
 * Builds events of envelopes as hms-sync:listen does. Arguments: Composer's autoload.php, and a folder with generated
 * classes of App\Generated, config.php and envelopes.json. Prints a JSON array: what each became, or why it did not.
 */

use HmsSync\Inbound\Envelope;
use HmsSync\Inbound\InboundEvents;
use HmsSync\Inbound\Types\TypeReader;
use HmsSync\Inbound\Undeliverable;
use Illuminate\Config\Repository;

[, $autoload, $folder] = $argv;
require $autoload;
spl_autoload_register(function (string $class) use ($folder) {
    $file = $folder.'/'.str_replace('App\\Generated\\', '', $class).'.php';

    return is_file($file) && require $file;
});

function described(mixed $value): mixed
{
    return match (true) {
        $value instanceof BackedEnum => ['enum' => $value::class, 'value' => $value->value],
        $value instanceof DateTimeInterface => ['class' => $value::class, 'time' => $value->format('Y-m-d\TH:i:sp')],
        is_object($value) => ['class' => $value::class] + array_map(described(...), get_object_vars($value)),
        is_array($value) => array_map(described(...), $value),
        default => $value,
    };
}

$events = new InboundEvents(new Repository(['hms-sync' => require $folder.'/config.php']), new TypeReader);
$events->verify();

$built = [];
foreach (json_decode(file_get_contents($folder.'/envelopes.json')) as $envelope) {
    try {
        $built[] = described($events->make(Envelope::fromJson(json_encode($envelope))));
    } catch (Undeliverable $e) {
        $built[] = ['failure' => $e->getMessage()];
    }
}
echo json_encode($built, JSON_THROW_ON_ERROR);
