<?php

namespace HmsSync\Broadcasting;

use Illuminate\Contracts\Queue\Job;

/**
 * One broadcast of one event, over all the connections that the event names.
 */
class BroadcastContext
{
    /**
     * The ids already given, by content, so that a second connection repeats the id of the first.
     *
     * @var array<string, string>
     */
    protected array $ids = [];

    /**
     * Create a new broadcast context.
     *
     * @param  object|null  $event  the event, null when a payload was handed to the broadcaster directly
     * @param  \Illuminate\Contracts\Queue\Job|null  $job  the queue job whose only task is this broadcast
     */
    public function __construct(public readonly ?object $event = null, public readonly ?Job $job = null)
    {
        //
    }

    /**
     * Get the payload as consumers shall see it.
     *
     * @param  array<array-key, mixed>  $payload
     * @return array<array-key, mixed>
     */
    public function payload(array $payload): array
    {
        if ($this->event !== null) {
            $payload = (new QueueProperties($this->event))->removeFrom($payload);
        }

        unset($payload['socket']);

        return $payload;
    }

    /**
     * Get the id of this content, minting it the first time.
     *
     * @param  callable(): string  $mint
     */
    public function id(string $content, callable $mint): string
    {
        return $this->ids[$content] ??= $mint();
    }
}
