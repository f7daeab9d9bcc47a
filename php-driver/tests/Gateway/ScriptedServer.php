<?php

namespace HmsSync\Tests\Gateway;

use HmsSync\Tests\Support\RedisServer;
use RuntimeException;

/**
 * A server in a process of its own that gives the same answer to each request, whatever it is, and remembers what it
 * was asked. What a real gateway does only when it dies at the wrong moment, this one does each time.
 */
class ScriptedServer
{
    public readonly string $url;

    /** @var resource */
    private $process;

    private string $requests;

    /**
     * @param  string  $answer  the bytes of the answer; "{connection}" stands for the number of the connection
     * @param  'keep'|'close'|'reset'  $then  what becomes of the connection after each answer
     */
    public function __construct(string $answer, string $then = 'close')
    {
        $this->requests = (string) tempnam(sys_get_temp_dir(), 'hms-sync-requests');
        $command = [...RedisServer::untilParentDies(), PHP_BINARY, __DIR__.'/scripted-server.php', $answer, $then, $this->requests];
        $this->process = proc_open($command, [1 => ['pipe', 'w']], $pipes) ?: throw new RuntimeException('PHP could not be started');
        $this->url = 'http://'.trim((string) fgets($pipes[1]));
    }

    /**
     * Everything it was sent, one request after another.
     */
    public function requests(): string
    {
        return (string) file_get_contents($this->requests);
    }

    public function stop(): void
    {
        if (is_resource($this->process)) {
            proc_terminate($this->process, SIGKILL);
            proc_close($this->process);
            unlink($this->requests);
        }
    }
}
