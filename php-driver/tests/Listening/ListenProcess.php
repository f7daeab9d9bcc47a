<?php

namespace HmsSync\Tests\Listening;

use HmsSync\Tests\Support\RedisServer;
use PHPUnit\Framework\Assert;

/**
 * hms-sync:listen as a process of its own, with or without php-curl.
 */
class ListenProcess
{
    /** @var resource */
    private $process;

    /** @var array<int, resource> */
    private array $pipes = [];

    private string $output = '';

    /**
     * @param  list<string>  $options
     * @param  array<string, string>  $env
     */
    public function __construct(array $options, array $env, private ?string $iniFiles = null)
    {
        $command = [...RedisServer::untilParentDies(), PHP_BINARY, __DIR__.'/../Support/listen.php', ...$options];
        $environment = [...getenv(), ...$env, ...($iniFiles === null ? [] : ['PHP_INI_SCAN_DIR' => $iniFiles])];

        $this->process = proc_open($command, [['pipe', 'r'], ['pipe', 'w'], ['pipe', 'w']], $this->pipes, null, $environment)
            ?: throw new \RuntimeException('PHP could not be started');
        stream_set_blocking($this->pipes[1], false);
        stream_set_blocking($this->pipes[2], false);
    }

    /**
     * A folder with what PHP loads here, but for curl.
     */
    public static function iniFilesWithoutCurl(): string
    {
        $folder = sys_get_temp_dir().'/hms-sync-ini-'.bin2hex(random_bytes(6));
        mkdir($folder);

        foreach (explode(',', (string) php_ini_scanned_files()) as $file) {
            if (trim($file) !== '' && ! str_contains(basename($file), 'curl')) {
                copy(trim($file), $folder.'/'.basename(trim($file)));
            }
        }

        return $folder;
    }

    /**
     * Wait until it has printed this.
     */
    public function waitFor(string $text, float $seconds = 20): void
    {
        $deadline = microtime(true) + $seconds;

        while (! str_contains($this->read(), $text)) {
            if (microtime(true) > $deadline || ! proc_get_status($this->process)['running']) {
                Assert::assertStringContainsString($text, $this->read());
            }

            $read = [$this->pipes[1], $this->pipes[2]];
            $write = $except = null;
            @stream_select($read, $write, $except, 0, 50_000);
        }
    }

    /**
     * Everything it has printed so far.
     */
    public function read(): string
    {
        return $this->output .= stream_get_contents($this->pipes[1]).stream_get_contents($this->pipes[2]);
    }

    public function signal(int $signal): void
    {
        proc_terminate($this->process, $signal);
    }

    /**
     * Let the event in hand go on.
     */
    public function goOn(): void
    {
        fwrite($this->pipes[0], "\n");
    }

    /**
     * Wait for its end and get the exit code.
     */
    public function exitCode(float $seconds = 20): int
    {
        $deadline = microtime(true) + $seconds;

        while (($status = proc_get_status($this->process))['running']) {
            if (microtime(true) > $deadline) {
                $this->kill();
                Assert::fail("hms-sync:listen did not end within {$seconds} s:\n".$this->read());
            }

            usleep(5_000);
        }

        return $status['exitcode'];
    }

    public function kill(): void
    {
        if (is_resource($this->process)) {
            proc_terminate($this->process, SIGKILL);
            proc_close($this->process);
        }

        if ($this->iniFiles !== null && is_dir($this->iniFiles)) {
            array_map(unlink(...), glob($this->iniFiles.'/*') ?: []);
            rmdir($this->iniFiles);
        }
    }
}
