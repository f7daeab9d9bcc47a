<?php

namespace HmsSync\Tests\Outbox\Fixtures;

use Closure;
use Illuminate\Broadcasting\Broadcasters\NullBroadcaster;

/**
 * A broadcaster that keeps what it is given, as Reverb would send it to browsers.
 */
class RememberingBroadcaster extends NullBroadcaster
{
    /** @var list<array{channels: list<string>, event: string, payload: array<array-key, mixed>}> */
    public array $broadcasts = [];

    public ?Closure $before = null;

    /**
     * @param  array<array-key, mixed>  $channels
     * @param  string  $event
     * @param  array<array-key, mixed>  $payload
     */
    public function broadcast(array $channels, $event, array $payload = []): void
    {
        if ($this->before) {
            ($this->before)($event);
        }

        $this->broadcasts[] = ['channels' => array_values(array_map(strval(...), $channels)), 'event' => $event, 'payload' => $payload];
    }
}
