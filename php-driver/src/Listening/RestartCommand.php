<?php

namespace HmsSync\Listening;

use Illuminate\Console\Command;
use Illuminate\Contracts\Cache\Repository as Cache;
use Symfony\Component\Console\Attribute\AsCommand;

/**
 * Tells every hms-sync:listen to stop after the event in hand, so that its supervisor starts it anew with new code.
 */
#[AsCommand(name: 'hms-sync:restart')]
class RestartCommand extends Command
{
    protected $signature = 'hms-sync:restart';

    protected $description = 'Restart every hms-sync:listen after its current event';

    /**
     * Leave the mark in the cache that all listeners share.
     */
    public function handle(Cache $cache): int
    {
        $cache->forever(RestartMarks::OURS, bin2hex(random_bytes(8)));
        $this->components->info('Every hms-sync:listen stops after its current event.');

        return self::SUCCESS;
    }
}
