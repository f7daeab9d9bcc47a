<?php

namespace App\Console\Commands;

use App\Events\InspectionCompleted;
use App\Models\Inspection;
use Illuminate\Console\Command;

/**
 * Completes inspections the way a request of an inspector does: the row, then the event.
 */
class CompleteInspections extends Command
{
    protected $signature = 'inspections:complete
        {id* : Numbers of the inspections}
        {--by=INSPECTOR_1337 : Who completed them}
        {--json : Print a line {"id": …, "at": …} for each, with the milliseconds since 1970 at which event() returned}
        {--interval-ms=0 : Milliseconds from one event to the next}';

    protected $description = 'Complete inspections and fire InspectionCompleted for each';

    public function handle(): int
    {
        $due = microtime(true);

        foreach ((array) $this->argument('id') as $id) {
            $this->waitUntil($due);
            $this->completeInspection((int) $id, $this->input->getOption('by'));
            $this->report((int) $id, (int) round(microtime(true) * 1000));

            $due += (float) $this->option('interval-ms') / 1000;
        }

        return self::SUCCESS;
    }

    protected function completeInspection(int $id, string $by): void
    {
        if (is_file(config('database.connections.sqlite.database'))) {
            Inspection::query()->updateOrCreate(['id' => $id], [
                'status' => 'Completed', 'completed_by' => $by, 'completed_at' => now(),
            ]);
        }

        event(new InspectionCompleted($id, $by, now()));
    }

    protected function report(int $id, int $at): void
    {
        $this->option('json')
            ? $this->line(json_encode(['id' => $id, 'at' => $at], JSON_THROW_ON_ERROR))
            : $this->components->info("Inspection {$id} is completed.");
    }

    protected function waitUntil(float $due): void
    {
        usleep(max(0, (int) (($due - microtime(true)) * 1_000_000)));
    }
}
