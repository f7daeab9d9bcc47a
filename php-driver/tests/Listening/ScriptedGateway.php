<?php

namespace HmsSync\Tests\Listening;

use HmsSync\Gateway\Delivery;
use HmsSync\Gateway\GatewayClient;
use HmsSync\Gateway\GatewayException;
use HmsSync\Gateway\Pulled;
use HmsSync\Gateway\Settle;
use Illuminate\Http\Client\Factory;

/**
 * A gateway whose answers the test decides, and that remembers what it was asked.
 */
class ScriptedGateway extends GatewayClient
{
    /**
     * What it owes.
     *
     * @var list<Delivery>
     */
    public array $owed = [];

    public ?GatewayException $failure = null;

    /**
     * What became of the tokens whose lease is over: every other settle is ok.
     *
     * @var list<string>
     */
    public array $late = [];

    /**
     * What it was told, as "ack r1.1.0..4".
     *
     * @var list<string>
     */
    public array $settled = [];

    public int $requests = 0;

    /** @var list<int> */
    public array $asked = [];

    public function __construct()
    {
        parent::__construct(new Factory, 'http://bus.example', 'hms_token', 'hms-api');
    }

    /**
     * Owe events of one lease.
     */
    public function owe(int $count, string $topic = 'readings.taken', string $lease = 'r1.1', int $ackWaitMs = 30_000): void
    {
        for ($index = 0; $index < $count; $index++) {
            $this->owed[] = new Delivery($topic, $lease, $index, 1, $ackWaitMs, '{"id":"e'.$index.'","source":"city-health"}');
        }
    }

    public function pull(?array $topics, int $max, int $waitMs, array $settles = []): Pulled
    {
        $this->asked[] = $max;

        return new Pulled($this->answered() ? array_splice($this->owed, 0, $max) : [], $this->answers($settles));
    }

    public function settle(string $topic, array $settles): array
    {
        $this->answered();

        return $this->answers($settles);
    }

    private function answered(): bool
    {
        $this->requests++;

        return $this->failure === null ?: throw $this->failure;
    }

    /**
     * @param  list<Settle>  $settles
     * @return list<array{topic: string, token: string, to: int, result: string}>
     */
    private function answers(array $settles): array
    {
        $answers = [];

        foreach ($settles as $settle) {
            $this->settled[] = "{$settle->action} {$settle->lease}.{$settle->first}".($settle->last > $settle->first ? "..{$settle->last}" : '');

            foreach (range($settle->first, $settle->last) as $index) {
                $token = "{$settle->lease}.{$index}";
                $answers[] = ['topic' => $settle->topic, 'token' => $token, 'to' => $index, 'result' => in_array("{$settle->topic} {$token}", $this->late, true) ? 'stale' : 'ok'];
            }
        }

        return $answers;
    }
}
