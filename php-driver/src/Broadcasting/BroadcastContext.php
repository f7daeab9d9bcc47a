<?php

namespace HmsSync\Broadcasting;

use Illuminate\Broadcasting\BroadcastException;
use Illuminate\Contracts\Broadcasting\ShouldBroadcastNow;
use Illuminate\Contracts\Queue\Job;
use Stringable;

/**
 * One broadcast of one event, over all the connections that the event names.
 */
class BroadcastContext
{
    /**
     * The most bytes that broadcastKey() may return.
     */
    public const MAX_KEY = 255;

    /**
     * The highest version that a schema can have.
     */
    public const MAX_VERSION = 9999;

    /**
     * The ids already given, by content, so that a second connection repeats the id of the first.
     *
     * @var array<string, string>
     */
    public array $ids = [];

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
     * Determine whether it is to be broadcast now, and not when a worker comes to it.
     */
    public function isImmediate(): bool
    {
        return $this->event === null || $this->event instanceof ShouldBroadcastNow
            || (method_exists($this->event, 'shouldBroadcastNow') && $this->event->shouldBroadcastNow());
    }

    /**
     * Get the key among whose events the order is kept, null when the event names none.
     *
     * @throws \Illuminate\Broadcasting\BroadcastException when broadcastKey() returns what is no key
     */
    public function key(): ?string
    {
        if ($this->event === null || ! method_exists($this->event, 'broadcastKey')) {
            return null;
        }

        $key = $this->event->broadcastKey();

        return $key === null ? null : $this->checkedKey($this->event, $key);
    }

    /**
     * Get the schema version that the event states for its payload, null when it states none.
     *
     * @throws \Illuminate\Broadcasting\BroadcastException when broadcastVersion() returns what is no version
     */
    public function version(): ?int
    {
        if ($this->event === null || ! method_exists($this->event, 'broadcastVersion')) {
            return null;
        }

        $version = $this->event->broadcastVersion();

        return $version === null ? null : $this->checkedVersion($this->event, $version);
    }

    /**
     * Get the names of the connections that the event is broadcast over, null for the default one.
     *
     * @return list<string|null>
     */
    public function connections(): array
    {
        return $this->event !== null && method_exists($this->event, 'broadcastConnections')
            ? array_values($this->event->broadcastConnections())
            : [null];
    }

    /**
     * Refuse what is no key, where the developer sees it.
     */
    protected function checkedKey(object $event, mixed $key): string
    {
        if ((is_scalar($key) || $key instanceof Stringable) && Name::isValid((string) $key, self::MAX_KEY)) {
            return (string) $key;
        }

        throw new BroadcastException(sprintf(
            'HMS-Sync: %s::broadcastKey() returned %s. Return a text of 1 to %d bytes without control characters that is the same '.
            'for all events whose order matters, or null for a key made of the channels.',
            Name::shown($event::class), is_scalar($key) ? '['.Name::shown((string) $key).']' : get_debug_type($key), self::MAX_KEY
        ));
    }

    /**
     * Refuse what is no version, where the developer sees it.
     */
    protected function checkedVersion(object $event, mixed $version): int
    {
        if (is_int($version) && $version >= 1 && $version <= self::MAX_VERSION) {
            return $version;
        }

        throw new BroadcastException(sprintf(
            'HMS-Sync: %s::broadcastVersion() returned %s. Return the number of the schema that its payload follows, an integer from 1 to %d '.
            '(2 for v2.json), or null to leave it to the bus.',
            Name::shown($event::class), is_scalar($version) ? Name::shown(var_export($version, true)) : get_debug_type($version), self::MAX_VERSION
        ));
    }
}
