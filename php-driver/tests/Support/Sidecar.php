<?php

namespace HmsSync\Tests\Support;

use RuntimeException;

/**
 * A real sidecar on a free port, with a Redis of its own and a topics.yaml.
 */
class Sidecar
{
    protected const MAIN = __DIR__.'/../../../dist/cli/main.js';

    /** @var list<self> */
    protected static array $running = [];

    /**
     * @param  resource  $process
     */
    protected function __construct(
        public readonly string $url,
        public readonly string $token,
        public readonly RedisServer $redis,
        protected string $directory,
        protected $process,
    ) {
        self::$running[] = $this;
    }

    /**
     * Start one and wait until every part is up.
     *
     * @param  string  $topics  path of topics.yaml, schemas/ beside it
     * @param  array<string, string>  $env
     */
    public static function start(string $topics, array $env = [], ?RedisServer $redis = null): self
    {
        $redis ??= RedisServer::start();
        $directory = sys_get_temp_dir().'/hms-sync-sidecar-'.bin2hex(random_bytes(6));
        mkdir($directory);

        $process = proc_open([...RedisServer::untilParentDies(), 'node', self::MAIN, 'start'], [
            ['file', '/dev/null', 'r'], ['pipe', 'w'], ['file', $directory.'/log', 'w'],
        ], $pipes, null, [
            ...getenv(),
            'HMS_SYNC_CONFIG' => $topics,
            'HMS_SYNC_STATE' => $directory,
            'HMS_SYNC_PORT' => '0',
            'HMS_SYNC_REDIS_URL' => 'redis://127.0.0.1:'.$redis->port,
            ...$env,
        ]) ?: throw new RuntimeException('the sidecar could not be started');
        $line = (string) fgets($pipes[1]);

        if (! preg_match('#^ready (http://\S+)$#', trim($line), $match)) {
            throw new RuntimeException('the sidecar did not start: '.file_get_contents($directory.'/log'));
        }

        return new self($match[1], trim((string) file_get_contents($directory.'/token')), $redis, $directory, $process);
    }

    public static function stopAll(): void
    {
        foreach (self::$running as $sidecar) {
            $sidecar->stop();
        }
    }

    /**
     * Kill the sidecar and wait until it is gone. Its Redis stays.
     */
    public function stop(): void
    {
        if (is_resource($this->process)) {
            proc_terminate($this->process, SIGKILL);
            proc_close($this->process);
            array_map(unlink(...), array_filter(glob($this->directory.'/*') ?: [], is_file(...)));
            rmdir($this->directory);
        }
    }

    /**
     * What the sidecar wrote to its log.
     */
    public function log(): string
    {
        return (string) file_get_contents($this->directory.'/log');
    }

    /**
     * Send a request with the development token and decode the answer.
     *
     * @param  array<string, string>  $headers
     * @return array{status: int, body: mixed}
     */
    public function request(string $method, string $path, ?string $body = null, array $headers = []): array
    {
        $headers += ['Authorization' => 'Bearer '.$this->token, 'Content-Type' => 'application/json'];

        $text = (string) file_get_contents($this->url.$path, false, stream_context_create(['http' => [
            'method' => $method,
            'header' => array_map(fn (string $name, string $value) => "{$name}: {$value}", array_keys($headers), $headers),
            'content' => $body ?? '',
            'ignore_errors' => true,
            'timeout' => 40,
        ]]));

        preg_match('#^HTTP/\S+ (\d+)#', $http_response_header[0] ?? '', $match);

        return ['status' => (int) ($match[1] ?? 0), 'body' => json_decode($text, true)];
    }

    /**
     * Publish an event as this system and return what the bus answered.
     *
     * @return array{status: int, body: mixed}
     */
    public function publish(string $system, string $topic, string $payload, string $id): array
    {
        return $this->request('POST', "/v1/topics/{$topic}/events", $payload, [
            'Authorization' => 'Bearer '.$this->keyOf($system), 'Idempotency-Key' => $id,
        ]);
    }

    /** @var array<string, string> */
    protected array $keys = [];

    /**
     * A token of this system.
     */
    public function keyOf(string $system): string
    {
        return $this->keys[$system] ??= $this->request('POST', '/v1/keys', (string) json_encode(['system' => $system]))['body']['token'];
    }
}
