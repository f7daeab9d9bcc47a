<?php

namespace HmsSync\Gateway;

use GuzzleHttp\Exception\TransferException;
use GuzzleHttp\Utils;
use Illuminate\Http\Client\ConnectionException;
use Illuminate\Http\Client\Factory as Http;
use Illuminate\Http\Client\Response;
use Illuminate\Support\Str;
use JsonException;
use UnexpectedValueException;

/**
 * Speaks to the bus's gateway over Laravel's HTTP client, with php-curl or without it. One instance keeps its
 * connection open from request to request.
 */
class GatewayClient
{
    /**
     * How long to try to connect, and how much longer than the asked wait an answer may take (seconds).
     */
    protected const CONNECT_TIMEOUT = 5;

    protected const ANSWER_TIMEOUT = 10;

    /**
     * Media type of the answer that leaves envelopes byte for byte as they are.
     */
    protected const FRAMED = 'application/vnd.hms-sync.deliveries';

    /**
     * What sends the requests, kept because it holds the open connections.
     *
     * @var (callable(\Psr\Http\Message\RequestInterface, array<string, mixed>): \GuzzleHttp\Promise\PromiseInterface)|null
     */
    protected $handler = null;

    /**
     * Create a new client.
     *
     * @param  string  $url  base URL of the gateway
     * @param  string  $consumer  the name under which events are pulled
     */
    public function __construct(
        protected Http $http,
        protected string $url,
        #[\SensitiveParameter] protected ?string $token,
        protected string $consumer,
    ) {
        $this->url = rtrim($url, '/');
    }

    /**
     * Get the base URL.
     */
    public function url(): string
    {
        return $this->url;
    }

    /**
     * Ask whose the token is, and what that system may do.
     *
     * @return array{system: string, admin: bool, consumes: list<string>, produces: list<string>}
     *
     * @throws GatewayException
     */
    public function whoami(): array
    {
        $answer = ($response = $this->send('GET', '/v1/whoami'))->json();

        return is_array($answer) && isset($answer['system'], $answer['admin'], $answer['consumes'], $answer['produces'])
            ? $answer
            : throw $this->notTheBus($response);
    }

    /**
     * Settle, then lease events: at most $max in all, waiting up to $waitMs for the first one. Nothing is waited for
     * when there was something to settle.
     *
     * @param  list<string>|null  $topics  null: every topic the consumer consumes
     * @param  list<Settle>  $settles
     *
     * @throws GatewayException
     */
    public function pull(?array $topics, int $max, int $waitMs, array $settles = []): Pulled
    {
        $response = $this->send('POST', '/v1/pull', array_filter([
            'topics' => $topics,
            'max' => $max,
            'wait_ms' => $waitMs,
            'settle' => array_map(fn (Settle $settle) => $settle->toArray(), $settles),
        ], fn (mixed $member) => $member !== null), $waitMs, self::FRAMED);

        if ($response->header('Content-Type') !== self::FRAMED) {
            throw $this->notTheBus($response);
        }

        try {
            return Pulled::fromFrame($response->body());
        } catch (JsonException|UnexpectedValueException $e) {
            throw new GatewayException("HMS-Sync: an answer of {$this->url} was cut short or is of another form ({$e->getMessage()}).", 'cut_short', $response->status(), true, $e);
        }
    }

    /**
     * Settle events of one topic.
     *
     * @param  list<Settle>  $settles
     * @return list<array{token: string, to?: int, result: string}>
     *
     * @throws GatewayException
     */
    public function settle(string $topic, array $settles): array
    {
        $response = $this->send('POST', '/v1/topics/'.rawurlencode($topic).'/settle', [
            'settle' => array_map(fn (Settle $settle) => $settle->toArray(), $settles),
        ]);

        return is_array($settled = $response->json('settled')) ? array_values($settled) : throw $this->notTheBus($response);
    }

    /**
     * Send one request.
     *
     * @param  array<string, mixed>|null  $body
     *
     * @throws GatewayException
     */
    protected function send(string $method, string $path, ?array $body = null, int $waitMs = 0, string $accept = 'application/json'): Response
    {
        if ((string) $this->token === '') {
            throw new GatewayException('HMS-Sync: HMS_SYNC_TOKEN is not set. Make a token with: hms-sync keys create '.$this->consumer, 'no_token', 0, false);
        }

        $request = $this->http
            ->baseUrl($this->url)
            ->setHandler($this->handler ??= Utils::chooseHandler())
            ->withToken((string) $this->token)
            ->withHeaders(['HMS-Sync-Consumer' => $this->consumer])
            ->accept($accept)
            ->withoutRedirecting()
            ->connectTimeout(self::CONNECT_TIMEOUT)
            ->timeout((int) ceil($waitMs / 1000) + self::ANSWER_TIMEOUT);

        try {
            $response = $request->send($method, $path, $body === null ? [] : ['json' => $body]);
        } catch (ConnectionException|TransferException $e) {
            // Laravel 11 leaves a connection that breaks off during the answer to Guzzle's own exception.
            throw new GatewayException(sprintf(
                'HMS-Sync: the bus cannot be reached at %s (%s). Check HMS_SYNC_URL and that the sidecar is running.',
                $this->url, Str::limit($e->getMessage(), 200)
            ), 'unreachable', 0, true, $e);
        }

        return $response->successful() ? $response : throw $this->refused($response);
    }

    /**
     * Create the exception for a refusal, from its problem details (RFC 9457).
     */
    protected function refused(Response $response): GatewayException
    {
        $status = $response->status();
        $problem = $response->json();
        $code = is_array($problem) && is_string($problem['code'] ?? null) ? $problem['code'] : "http_{$status}";
        $detail = is_array($problem) && is_string($problem['detail'] ?? null) ? $problem['detail'] : $this->reasonFor($response);

        $retryAfter = $response->header('Retry-After');

        return new GatewayException(
            "HMS-Sync: {$this->url} answered {$status} [{$code}]: {$detail}", $code, $status,
            $status >= 500 || in_array($status, [408, 425, 429], true),
            retryAfter: ctype_digit($retryAfter) ? (int) $retryAfter : null,
        );
    }

    /**
     * Get the words for a refusal that gives no reason itself.
     */
    protected function reasonFor(Response $response): string
    {
        return $response->redirect()
            ? "it redirects to {$response->header('Location')}. Set HMS_SYNC_URL to the address that answers."
            : 'no reason was given. Check HMS_SYNC_URL: it must be the address of the sidecar.';
    }

    /**
     * Create the exception for an answer that something else gave, such as another web server on that port.
     */
    protected function notTheBus(Response $response): GatewayException
    {
        return new GatewayException(
            "HMS-Sync: {$this->url} answered {$response->status()} with what is no answer of the bus. Check HMS_SYNC_URL: it must be the address of the sidecar.",
            'not_the_bus', $response->status(), true
        );
    }
}
