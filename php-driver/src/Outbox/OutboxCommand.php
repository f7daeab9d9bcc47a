<?php

namespace HmsSync\Outbox;

use Illuminate\Console\Command;
use Illuminate\Database\QueryException;
use Symfony\Component\Console\Attribute\AsCommand;

/**
 * Shows what waits in the outbox.
 */
#[AsCommand(name: 'hms-sync:outbox')]
class OutboxCommand extends Command
{
    /**
     * The name and signature of the console command.
     *
     * @var string
     */
    protected $signature = 'hms-sync:outbox
                    {--database=* : Look at these database connections instead of config(\'hms-sync.outbox.connections\')}
                    {--max-age= : Fail when a row has waited for more than so many seconds}
                    {--json : Print JSON}';

    /**
     * The console command description.
     *
     * @var string
     */
    protected $description = 'Show how many broadcasts wait in the outbox and for how long';

    /**
     * Show it.
     *
     * @return int 0, or 1 when --max-age is exceeded or the outbox cannot be read
     */
    public function handle(OutboxStatus $status): int
    {
        try {
            $rows = $status->all(array_values((array) $this->option('database')));
        } catch (QueryException $e) {
            $this->components->error('The outbox cannot be read: '.$e->getPrevious()?->getMessage().' Run [php artisan migrate].');

            return self::FAILURE;
        }

        $this->option('json')
            ? $this->line((string) json_encode($rows))
            : $this->table(['Database connection', 'Unsent', 'Refused by Redis', 'Oldest'], array_map($this->shown(...), $rows));

        return $this->option('max-age') !== null && max(0, ...array_column($rows, 'oldest_seconds')) > (int) $this->option('max-age')
            ? self::FAILURE
            : self::SUCCESS;
    }

    /**
     * Get a row of the table.
     *
     * @param  array{connection: string, unsent: int, refused: int, oldest_seconds: int|null}  $row
     * @return list<string>
     */
    protected function shown(array $row): array
    {
        return [
            $row['connection'], (string) $row['unsent'], (string) $row['refused'],
            $row['oldest_seconds'] === null ? '-' : "{$row['oldest_seconds']} s",
        ];
    }
}
