<?php

namespace HmsSync\Console;

use HmsSync\Console\Doctor\BroadcastCheck;
use HmsSync\Console\Doctor\Check;
use HmsSync\Console\Doctor\ClockCheck;
use HmsSync\Console\Doctor\EventsCheck;
use HmsSync\Console\Doctor\Examination;
use HmsSync\Console\Doctor\Finding;
use HmsSync\Console\Doctor\Gateway;
use HmsSync\Console\Doctor\InboxCheck;
use HmsSync\Console\Doctor\OutboxCheck;
use HmsSync\Console\Doctor\ProbeCheck;
use HmsSync\Console\Doctor\RedisCheck;
use HmsSync\Console\Doctor\SidecarCheck;
use HmsSync\Console\Doctor\Status;
use HmsSync\Console\Doctor\TokenCheck;
use HmsSync\Console\Doctor\TopicsCheck;
use HmsSync\Gateway\GatewayClient;
use Illuminate\Console\Command;
use Symfony\Component\Console\Attribute\AsCommand;
use Symfony\Component\Console\Formatter\OutputFormatter;
use Symfony\Component\Console\Output\OutputInterface;

/**
 * Examines the way of an event from this application to the bus, and back.
 */
#[AsCommand(name: 'hms-sync:doctor')]
class DoctorCommand extends Command
{
    /**
     * The name and signature of the console command.
     *
     * @var string
     */
    protected $signature = 'hms-sync:doctor
                    {--json : Write the findings as JSON}
                    {--timeout=5 : Seconds to wait for each answer, and for the probe}';

    /**
     * The console command description.
     *
     * @var string
     */
    protected $description = 'Check the way of an event from this application to the bus and back';

    /**
     * Execute the console command.
     *
     * @return int 0 when nothing failed, 1 when something did, 2 when an option is wrong
     */
    public function handle(Secrets $secrets): int
    {
        $timeout = $this->option('timeout');

        if (! is_numeric($timeout) || $timeout <= 0 || $timeout > 300) {
            $this->components->error('--timeout is ['.(is_scalar($timeout) ? $timeout : '').']; write a number of seconds, more than 0 and at most 300.');

            return self::INVALID;
        }

        $examination = new Examination((float) $timeout);
        $findings = [];

        foreach ($this->checks((float) $timeout) as $check) {
            $findings[$check->name()] = $finding = $check->run($examination)->without($secrets);

            if (! $this->option('json')) {
                $this->writeFinding($check, $finding);
            }
        }

        if ($this->option('json')) {
            $this->writeJson($findings);
        }

        return $this->failed($findings) ? self::FAILURE : self::SUCCESS;
    }

    /**
     * Get the checks, those first on which others build.
     *
     * @return list<Check>
     */
    protected function checks(float $timeout): array
    {
        $config = $this->laravel->make('config');

        $gateway = $this->laravel->make(Gateway::class, [
            'url' => (string) $config->get('hms-sync.url'), 'token' => $config->get('hms-sync.token'), 'timeout' => $timeout,
        ]);

        return [
            $this->laravel->make(BroadcastCheck::class),
            $this->laravel->make(RedisCheck::class),
            new SidecarCheck($gateway, (string) $config->get('hms-sync.url')),
            new ClockCheck,
            new TokenCheck($this->laravel->make(GatewayClient::class), $gateway, $config),
            new TopicsCheck($config),
            $this->laravel->make(EventsCheck::class),
            $this->laravel->make(InboxCheck::class),
            $this->laravel->make(OutboxCheck::class),
            new ProbeCheck($gateway, $config),
        ];
    }

    /**
     * Write one finding as a line.
     */
    protected function writeFinding(Check $check, Finding $finding): void
    {
        $text = OutputFormatter::escape(trim("{$finding->message} {$finding->remedy}"));

        $this->line(sprintf(
            '  <%s>%-4s</>  %-9s  %s', $finding->status->style(), $finding->status->value, $check->name(), (string) preg_replace('/\s+/', ' ', $text)
        ));
    }

    /**
     * Write all findings as one JSON object.
     *
     * @param  array<string, Finding>  $findings
     */
    protected function writeJson(array $findings): void
    {
        $checks = array_map(fn (string $name, Finding $finding) => [
            'name' => $name, 'status' => $finding->status->value, 'message' => $finding->message, 'remedy' => $finding->remedy,
        ], array_keys($findings), $findings);

        $this->output->writeln((string) json_encode(
            ['ok' => ! $this->failed($findings), 'checks' => $checks], JSON_PRETTY_PRINT | JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE
        ), OutputInterface::OUTPUT_RAW);
    }

    /**
     * Determine whether a check failed.
     *
     * @param  array<string, Finding>  $findings
     */
    protected function failed(array $findings): bool
    {
        return array_filter($findings, fn (Finding $finding) => $finding->status === Status::Fail) !== [];
    }
}
