<?php

namespace HmsSync\Inbox;

use Illuminate\Console\Command;
use Illuminate\Contracts\Config\Repository;
use Illuminate\Support\Facades\Date;
use InvalidArgumentException;
use Symfony\Component\Console\Attribute\AsCommand;

/**
 * Deletes the rows of events that the bus can no longer deliver again.
 */
#[AsCommand(name: 'hms-sync:prune-inbox')]
class PruneInboxCommand extends Command
{
    /**
     * The name and signature of the console command.
     *
     * @var string
     */
    protected $signature = 'hms-sync:prune-inbox
                    {--days= : Keep rows for at least this many days instead of config(\'hms-sync.inbox.keep_days\')}
                    {--chunk=1000 : Delete so many rows at a time}';

    /**
     * The console command description.
     *
     * @var string
     */
    protected $description = 'Delete inbox rows that are old enough and past the replay window of their event';

    /**
     * Delete the rows, a chunk at a time.
     */
    public function handle(Inbox $inbox, Repository $config): int
    {
        if (! $inbox->exists()) {
            $this->components->error("The table [{$inbox->name()}] is missing. Run [php artisan migrate].");

            return self::FAILURE;
        }

        try {
            $days = $this->count('--days', $this->option('days') ?? $config->get('hms-sync.inbox.keep_days', 30), 36_500);
            $chunk = $this->count('--chunk', $this->option('chunk'), 10_000);
        } catch (InvalidArgumentException $e) {
            $this->components->error($e->getMessage());

            return self::INVALID;
        }

        $this->components->info("Deleted {$inbox->prune(Date::now()->subDays($days), $chunk)} rows of the inbox.");

        return self::SUCCESS;
    }

    /**
     * Read a number of 1 or more: 0 would forget events that the bus may still bring again.
     */
    protected function count(string $name, mixed $value, int $most): int
    {
        return (int) filter_var($value, FILTER_VALIDATE_INT, ['options' => ['min_range' => 1, 'max_range' => $most]])
            ?: throw new InvalidArgumentException("{$name} is no number from 1 to {$most}.");
    }
}
