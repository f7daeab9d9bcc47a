<?php

namespace HmsSync\Listening;

use HmsSync\Gateway\Delivery;
use HmsSync\Gateway\GatewayClient;
use HmsSync\Gateway\Settle;
use Psr\Log\LoggerInterface;

/**
 * The requests that fetch events and settle them. What waits to be settled goes along with each, and waits on when the
 * request fails.
 */
class Exchange
{
    /**
     * How long one request waits for an event (milliseconds): a signal to stop is heeded at its end.
     */
    protected const WAIT_MS = 1500;

    /**
     * Create a new instance.
     */
    public function __construct(protected GatewayClient $gateway, protected Settles $settles, protected LoggerInterface $log)
    {
        //
    }

    /**
     * Get the address of the gateway.
     */
    public function url(): string
    {
        return $this->gateway->url();
    }

    /**
     * Fetch events. Settles are answered at once; only a fetch without any waits for the first event.
     *
     * @param  list<string>|null  $topics  null for all that this application consumes
     * @param  int  $size  the most events to fetch
     * @return list<Delivery>
     *
     * @throws \HmsSync\Gateway\GatewayException
     */
    public function fetch(?array $topics, int $size): array
    {
        $settled = $this->settles->all() !== [];
        $deliveries = $this->pull($topics, $size);

        return $settled && $deliveries === [] ? $this->pull($topics, $size) : $deliveries;
    }

    /**
     * Send the settles that wait, and these after them.
     *
     * @param  list<Settle>  $more
     * @return array<string, list<string>> the tokens of the events whose lease was over, by topic
     *
     * @throws \HmsSync\Gateway\GatewayException
     */
    public function settle(array $more = []): array
    {
        $lost = [];

        foreach ($this->byTopic([...$this->settles->all(), ...$more]) as $topic => $settles) {
            $answers = $this->gateway->settle($topic, $settles);
            $this->reportLate($answers, $settles);
            $lost[$topic] = Settle::refused($answers);
        }

        $this->settles->clear();

        return $lost;
    }

    /**
     * Send one pull.
     *
     * @param  list<string>|null  $topics
     * @return list<Delivery>
     */
    protected function pull(?array $topics, int $size): array
    {
        $settles = $this->settles->all();
        $pulled = $this->gateway->pull($topics, $size, self::WAIT_MS, $settles);

        $this->settles->clear();
        $this->reportLate($pulled->settled, $settles);

        return $pulled->deliveries;
    }

    /**
     * Say that settles came too late: the bus has taken the events back and hands them out again.
     *
     * @param  list<array{token: string, to?: int, result: string}>  $answers
     * @param  list<Settle>  $settles
     */
    protected function reportLate(array $answers, array $settles): void
    {
        if ($settles === [] || ($late = Settle::refused($answers)) === []) {
            return;
        }

        $this->log->warning(
            'HMS-Sync: events were settled after their lease had ended, and come again. Give the consumer a longer ack_wait in topics.yaml, or make its listeners faster.',
            ['count' => count($late), 'topics' => array_values(array_unique(array_column($settles, 'topic')))]
        );
    }

    /**
     * Sort settles by topic, in their order.
     *
     * @param  list<Settle>  $settles
     * @return array<string, list<Settle>>
     */
    protected function byTopic(array $settles): array
    {
        $sorted = [];

        foreach ($settles as $settle) {
            $sorted[$settle->topic][] = $settle;
        }

        return $sorted;
    }
}
