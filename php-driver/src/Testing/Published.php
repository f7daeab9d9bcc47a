<?php

namespace HmsSync\Testing;

use HmsSync\Schema\VersionedPayload;
use Illuminate\Support\Str;

/**
 * One broadcast that would have gone to the bus.
 */
class Published
{
    /**
     * The payload as consumers see it: with the defaults and date-times of the topic's schema when schemas are
     * checked, else as it was broadcast.
     *
     * @var array<array-key, mixed>
     */
    public readonly array $payload;

    /**
     * The version of the topic's schema that the payload follows: the one that the bus takes the event for when schemas
     * are checked, else what the event's broadcastVersion() returned; null when neither says.
     */
    public readonly ?int $version;

    /**
     * Create a new instance.
     *
     * @param  string  $id  the id by which the bus recognizes it
     * @param  string  $name  what the event is broadcast as: its class, unless it has a broadcastAs()
     * @param  object|null  $event  the event, null when a payload was handed to the broadcaster directly
     * @param  list<string>  $channels  names as Laravel gives them, "private-" and "presence-" still on
     * @param  non-empty-array<string, VersionedPayload>  $payloads  by topic
     * @param  string  $origin  the systems the change came through, separated by commas; they are not sent the event
     */
    public function __construct(
        public readonly string $id,
        public readonly string $name,
        public readonly ?object $event,
        public readonly array $channels,
        protected readonly array $payloads,
        public readonly string $origin,
    ) {
        $this->payload = json_decode($this->json(), true, flags: JSON_THROW_ON_ERROR);
        $this->version = current($this->payloads)->version;
    }

    /**
     * Get the topics it would have gone to.
     *
     * @return list<string>
     */
    public function topics(): array
    {
        return array_map(strval(...), array_keys($this->payloads));
    }

    /**
     * Get the JSON text of the payload.
     */
    public function json(): string
    {
        return current($this->payloads)->json;
    }

    /**
     * Get what consumers of one of its topics see, null when it has not this topic.
     */
    public function on(string $topic): ?self
    {
        return isset($this->payloads[$topic])
            ? new self($this->id, $this->name, $this->event, $this->channels, [$topic => $this->payloads[$topic]], $this->origin)
            : null;
    }

    /**
     * Determine whether it is of an event's class, or broadcast under a name.
     */
    public function is(string $event): bool
    {
        return $this->name === $event || ($this->event !== null && ltrim($event, '\\') === $this->event::class);
    }

    /**
     * Describe it in one line.
     */
    public function __toString(): string
    {
        $class = $this->event === null ? $this->name : $this->event::class;

        return $class.($class === $this->name ? '' : " as \"{$this->name}\"").
            ' on '.implode(', ', array_map($this->describe(...), $this->topics())).': '.Str::limit($this->json(), 300);
    }

    /**
     * Describe one of its topics, with the version where it is known.
     */
    protected function describe(string $topic): string
    {
        $version = $this->payloads[$topic]->version;

        return $version === null ? $topic : "{$topic} v{$version}";
    }
}
