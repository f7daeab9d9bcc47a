<?php

namespace HmsSync\Tests\Gateway;

use GuzzleHttp\Handler\StreamHandler;
use HmsSync\Gateway\GatewayClient;
use HmsSync\Gateway\GatewayException;
use HmsSync\Gateway\Settle;
use HmsSync\Tests\Support\RedisServer;
use HmsSync\Tests\Support\Sidecar;
use Illuminate\Http\Client\Factory;
use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\Attributes\TestWith;
use PHPUnit\Framework\TestCase;

class GatewayClientTest extends TestCase
{
    private const TOPIC = 'readings.taken';

    private static Sidecar $sidecar;

    private ?ScriptedServer $server = null;

    public static function setUpBeforeClass(): void
    {
        self::$sidecar = Sidecar::start(__DIR__.'/../Fixtures/bus/topics.yaml');
    }

    public static function tearDownAfterClass(): void
    {
        self::$sidecar->stop();
        self::$sidecar->redis->stop();
    }

    protected function tearDown(): void
    {
        $this->server?->stop();
    }

    public function test_it_says_whose_the_token_is(): void
    {
        $who = $this->client()->whoami();

        self::assertSame('hms-api', $who['system']);
        self::assertFalse($who['admin']);
        self::assertEqualsCanonicalizing(['inspections.rescheduled', 'readings.taken', 'alarms.raised'], $who['consumes']);
    }

    #[TestWith([true])]
    #[TestWith([false])]
    public function test_envelopes_come_byte_for_byte_as_the_bus_keeps_them(bool $curl): void
    {
        $payloads = [
            '{"big":9223372036854775808,"empty":{},"list":[],"float":1.0,"e":1e3}',
            '{"text":"\u00e9 é \/ 雪 🧊","newline":"a\nb"}',
            '{"text":"雪"}',
        ];

        foreach ($payloads as $at => $payload) {
            self::$sidecar->publish('city-health', self::TOPIC, $payload, "bytes-{$at}-".(int) $curl);
        }

        $this->waitUntilOwed(count($payloads));
        $client = $this->client($curl);

        // The bus leases the first at once, and with the second answer what came meanwhile: one of the two holds several.
        $deliveries = [...$client->pull([self::TOPIC], 10, 10_000)->deliveries, ...$client->pull([self::TOPIC], 10, 1000)->deliveries];

        self::assertCount(3, $deliveries);
        foreach ($deliveries as $at => $delivery) {
            self::assertStringContainsString('"payload":'.$payloads[$at].',', $delivery->envelope);
            self::assertSame("bytes-{$at}-".(int) $curl, json_decode($delivery->envelope, true)['id']);
            self::assertSame([self::TOPIC, 1, 10_000], [$delivery->topic, $delivery->attempt, $delivery->ackWaitMs]);
            $client->settle(self::TOPIC, [$delivery->settle('ack')]);
        }
    }

    public function test_settles_ride_along_on_a_pull_and_are_answered_at_once(): void
    {
        $client = $this->client();
        self::$sidecar->publish('city-health', self::TOPIC, '{}', 'rides');
        [$delivery] = $client->pull([self::TOPIC], 1, 10_000)->deliveries;

        $asked = microtime(true);
        $pulled = $client->pull(null, 10, 5000, [$delivery->settle('ack')]);

        self::assertLessThan(4.0, microtime(true) - $asked);
        self::assertSame(['ok'], array_column($pulled->settled, 'result'));
        self::assertSame([], $pulled->deliveries);
    }

    public function test_what_was_not_settled_is_told_event_by_event(): void
    {
        $answers = $this->client()->settle(self::TOPIC, [new Settle(self::TOPIC, 'r999.1', 'ack', 2, 4)]);

        self::assertSame(['r999.1.2', 'r999.1.3', 'r999.1.4'], Settle::refused($answers));
    }

    public function test_it_keeps_its_connection_open(): void
    {
        $who = '{"system":"{connection}","admin":false,"consumes":[],"produces":[]}';
        $length = strlen(str_replace('{connection}', '1', $who));
        $client = $this->scripted("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {$length}\r\n\r\n{$who}", 'keep');

        self::assertSame(['1', '1', '1'], [$client->whoami()['system'], $client->whoami()['system'], $client->whoami()['system']]);
    }

    /**
     * @return array<string, array{bool, string, 'close'|'reset', string}>
     */
    public static function brokenAnswers(): array
    {
        $head = '{"leases":[{"topic":"t","lease":"r1.1","attempt":1,"replayed":false,"ack_wait_ms":30000,"indexes":[[0,0]],"lengths":[100]}],"settled":[]}'."\n";
        $framed = "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.hms-sync.deliveries\r\nContent-Length: ".(strlen($head) + 100)."\r\n\r\n";
        $page = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi";
        $object = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";

        return [
            'half an envelope, with curl' => [true, $framed.$head.'{"topic":"t"', 'close', 'unreachable'],
            'half an envelope, without' => [false, $framed.$head.'{"topic":"t"', 'close', 'cut_short'],
            'half a head, with curl' => [true, $framed.'{"leases":[', 'close', 'unreachable'],
            'half a head, without' => [false, $framed.'{"leases":[', 'close', 'cut_short'],
            'no envelopes at all, without' => [false, $framed.rtrim($head), 'close', 'cut_short'],
            'a reset, with curl' => [true, $framed.$head, 'reset', 'unreachable'],
            'no answer, with curl' => [true, '', 'close', 'unreachable'],
            'no answer, without' => [false, '', 'close', 'unreachable'],
            'a page of another server, with curl' => [true, $page, 'close', 'not_the_bus'],
            'a page of another server, without' => [false, $page, 'close', 'not_the_bus'],
            'an object of another server' => [true, $object, 'close', 'not_the_bus'],
        ];
    }

    /**
     * @param  'close'|'reset'  $then
     */
    #[DataProvider('brokenAnswers')]
    public function test_half_an_answer_is_a_failure_to_be_tried_again_and_never_an_event(bool $curl, string $answer, string $then, string $code): void
    {
        $failure = $this->failureOf(fn () => $this->scripted($answer, $then, $curl)->pull(null, 1, 0));

        self::assertSame([$code, true], [$failure->gatewayCode, $failure->retryable]);
        self::assertStringContainsString((string) $this->server?->url, $failure->getMessage());
    }

    public function test_an_answer_of_something_else_is_never_taken_for_the_bus(): void
    {
        $answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";

        self::assertSame('not_the_bus', $this->failureOf(fn () => $this->scripted($answer)->whoami())->gatewayCode);
        self::assertSame('not_the_bus', $this->failureOf(fn () => $this->client(url: $this->server?->url)->settle('t', []))->gatewayCode);
    }

    /**
     * @return array<string, array{string, string, bool, ?int}>
     */
    public static function refusals(): array
    {
        return [
            'the bus is busy' => ['503 Service Unavailable', "Retry-After: 3\r\n", true, 3],
            'a proxy has no bus behind it' => ['502 Bad Gateway', '', true, null],
            'too many requests' => ['429 Too Many Requests', "Retry-After: 60\r\n", true, 60],
            'a date to retry after' => ['503 Service Unavailable', "Retry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n", true, null],
            'no right' => ['403 Forbidden', '', false, null],
            'not there' => ['404 Not Found', '', false, null],
        ];
    }

    #[DataProvider('refusals')]
    public function test_a_refusal_says_whether_and_when_another_try_makes_sense(string $status, string $headers, bool $retryable, ?int $after): void
    {
        $failure = $this->failureOf(fn () => $this->scripted("HTTP/1.1 {$status}\r\n{$headers}Content-Length: 0\r\n\r\n")->pull(null, 1, 0));

        self::assertSame([$retryable, $after, (int) $status], [$failure->retryable, $failure->retryAfter, $failure->status]);
        self::assertStringContainsString('HMS_SYNC_URL', $failure->getMessage());
    }

    #[TestWith([true])]
    #[TestWith([false])]
    public function test_it_follows_no_redirect_and_names_where_it_leads(bool $curl): void
    {
        $answer = "HTTP/1.1 301 Moved Permanently\r\nLocation: https://bus.example/v1/pull\r\nContent-Length: 0\r\n\r\n";
        $failure = $this->failureOf(fn () => $this->scripted($answer, curl: $curl)->pull(null, 1, 0));

        self::assertStringContainsString('https://bus.example/v1/pull', $failure->getMessage());
        self::assertFalse($failure->retryable);
    }

    public function test_a_refusal_of_the_bus_comes_with_its_code_and_reason(): void
    {
        $failure = $this->failureOf(fn () => $this->client()->pull(['readings.token'], 1, 0));

        self::assertSame(['unknown_topic', 404, false], [$failure->gatewayCode, $failure->status, $failure->retryable]);
        self::assertStringContainsString('readings.token', $failure->getMessage());
    }

    public function test_without_a_token_nothing_is_sent_and_the_remedy_is_named(): void
    {
        $client = $this->scripted("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", token: '');

        self::assertStringContainsString('hms-sync keys create hms-api', $this->failureOf($client->whoami(...))->getMessage());
        self::assertSame('', $this->server?->requests());
    }

    public function test_a_port_nobody_listens_on_is_named_with_the_remedy_and_without_the_token(): void
    {
        $url = 'http://127.0.0.1:'.RedisServer::freePort();
        $failure = $this->failureOf(fn () => $this->client(url: $url, token: 'hms_secret')->pull(null, 1, 0));

        self::assertSame(['unreachable', true], [$failure->gatewayCode, $failure->retryable]);
        self::assertStringContainsString($url, $failure->getMessage());
        self::assertStringContainsString('sidecar is running', $failure->getMessage());
        self::assertStringNotContainsString('hms_secret', $failure->getMessage());
    }

    /**
     * @param  'keep'|'close'|'reset'  $then
     */
    private function scripted(string $answer, string $then = 'close', bool $curl = true, string $token = 'hms_token'): GatewayClient
    {
        $this->server = new ScriptedServer($answer, $then);

        return $this->client($curl, $this->server->url, $token);
    }

    private function client(bool $curl = true, ?string $url = null, ?string $token = null): GatewayClient
    {
        $client = new class(new Factory, $url ?? self::$sidecar->url, $token ?? self::$sidecar->keyOf('hms-api'), 'hms-api') extends GatewayClient
        {
            public function withoutCurl(): void
            {
                $this->handler = new StreamHandler;
            }
        };

        if (! $curl) {
            $client->withoutCurl();
        }

        return $client;
    }

    private function waitUntilOwed(int $count): void
    {
        $deadline = microtime(true) + 10;

        while (self::$sidecar->request('GET', '/v1/status')['body']['topics'][self::TOPIC]['consumers']['hms-api']['owed'] < $count) {
            self::assertLessThan($deadline, microtime(true), 'the events are not owed');
        }
    }

    private function failureOf(callable $request): GatewayException
    {
        try {
            $request();
        } catch (GatewayException $e) {
            return $e;
        }

        self::fail('no GatewayException was thrown');
    }
}
