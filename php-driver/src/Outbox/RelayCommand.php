<?php

namespace HmsSync\Outbox;

use Carbon\CarbonInterval;
use DateTimeInterface;
use Illuminate\Console\Command;
use Illuminate\Support\Facades\Date;
use InvalidArgumentException;
use Symfony\Component\Console\Attribute\AsCommand;
use Throwable;

/**
 * Sends what is in the outbox to the bus, for as long as it runs.
 */
#[AsCommand(name: 'hms-sync:relay')]
class RelayCommand extends Command
{
    /**
     * The name and signature of the console command.
     *
     * @var string
     */
    protected $signature = 'hms-sync:relay
                    {--once : Send one batch, if there is one}
                    {--stop-when-empty : Stop when nothing is left to send}
                    {--since= : Send again what was sent since then, for example 1h, 30m, 2d or a date, and stop}
                    {--database=* : Work on these database connections instead of config(\'hms-sync.outbox.connections\')}
                    {--batch=500 : Send so many rows at a time}
                    {--sleep=0.5 : Look again after so many seconds when there is nothing to send}
                    {--max-time=0 : Stop after so many seconds}
                    {--memory=128 : Stop above so many megabytes}';

    /**
     * The console command description.
     *
     * @var string
     */
    protected $description = 'Send the broadcasts in the outbox to the bus';

    /**
     * Send what is there until told to stop.
     *
     * @return int 0; 1 when rows could not be sent and the command does not wait for that; 2 for an option that cannot
     *             be read; 12 above the memory limit
     */
    public function handle(Relay $relay, RelayLoop $loop, OutboxConnections $connections): int
    {
        try {
            $options = $this->relayOptions();
            $since = $this->since();
        } catch (InvalidArgumentException $e) {
            $this->components->error($e->getMessage());

            return self::INVALID;
        }

        $this->trap([SIGTERM, SIGINT, SIGQUIT], fn () => $loop->stop());

        if ($since !== null && ! $this->sendAgain($relay->withBatch($options->batch), $connections->tables($options->databases), $since)) {
            return self::FAILURE;
        }

        return $loop->run($options);
    }

    /**
     * Send again what was sent since a time.
     *
     * @param  list<OutboxTable>  $tables
     */
    protected function sendAgain(Relay $relay, array $tables, DateTimeInterface $since): bool
    {
        foreach ($tables as $table) {
            try {
                $count = $relay->again($table, $since, Date::now());
            } catch (Throwable $e) {
                $this->components->error("The outbox on [{$table->connectionName()}] was not sent again: {$e->getMessage()}");

                return false;
            }

            $this->components->info("Sent {$count} rows of the outbox on [{$table->connectionName()}] again.");
        }

        return true;
    }

    /**
     * Gather the options of the loop.
     */
    protected function relayOptions(): RelayOptions
    {
        return new RelayOptions(
            once: (bool) $this->option('once'),
            stopWhenEmpty: $this->option('stop-when-empty') || $this->option('since') !== null,
            databases: array_values((array) $this->option('database')),
            batch: (int) $this->number('batch', 1, 10_000),
            sleep: $this->number('sleep', 0.01, 3_600),
            maxTime: (int) $this->number('max-time', 0, PHP_INT_MAX),
            memory: (int) $this->number('memory', 1, PHP_INT_MAX),
        );
    }

    /**
     * Read an option that is a number.
     */
    protected function number(string $name, float $least, float $most): float
    {
        $value = $this->text($name);

        return is_numeric($value) && $value >= $least && $value <= $most
            ? (float) $value
            : throw new InvalidArgumentException("--{$name}={$value} is no number from {$least} to {$most}.");
    }

    /**
     * Read --since.
     */
    protected function since(): ?DateTimeInterface
    {
        if (($since = $this->text('since')) === null) {
            return null;
        }

        try {
            return preg_match('/^\d+\s*[smhdw]$/D', $since) === 1
                ? Date::now()->sub(CarbonInterval::fromString($since))
                : Date::parse($since);
        } catch (Throwable $e) {
            throw new InvalidArgumentException("--since={$since} is no period like 1h, 30m or 2d and no date. {$e->getMessage()}");
        }
    }

    /**
     * Get an option that has one value.
     */
    protected function text(string $name): ?string
    {
        $value = $this->option($name);

        return is_scalar($value) ? (string) $value : null;
    }
}
