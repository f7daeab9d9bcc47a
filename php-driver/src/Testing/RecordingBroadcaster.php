<?php

namespace HmsSync\Testing;

use HmsSync\Broadcasting\BroadcastContext;
use HmsSync\Broadcasting\BroadcastIds;
use HmsSync\Broadcasting\Contextual;
use HmsSync\Broadcasting\Json;
use HmsSync\Origin\CurrentOrigin;
use HmsSync\Schema\Channel;
use HmsSync\Schema\SchemaCheck;
use HmsSync\Schema\VersionedPayload;
use Illuminate\Contracts\Broadcasting\Broadcaster;
use Illuminate\Support\Traits\ForwardsCalls;

/**
 * Stands in for a connection of the bus: what it is given to broadcast is recorded, and all else is left to the
 * connection itself.
 *
 * @mixin \Illuminate\Broadcasting\Broadcasters\Broadcaster
 */
class RecordingBroadcaster implements Broadcaster, Contextual
{
    use ForwardsCalls;

    /**
     * Create a new broadcaster.
     *
     * @param  BroadcastContext|null  $context  the event being broadcast, null for a payload that was handed over directly
     */
    public function __construct(
        protected Broadcaster $broadcaster,
        protected HmsSyncFake $fake,
        protected BroadcastIds $ids,
        protected CurrentOrigin $origin,
        protected SchemaCheck $schemas,
        protected ?BroadcastContext $context = null,
    ) {
        //
    }

    /**
     * Get a copy of this broadcaster that knows which event it broadcasts.
     */
    public function within(BroadcastContext $context): static
    {
        $broadcaster = clone $this;
        $broadcaster->context = $context;

        return $broadcaster;
    }

    /**
     * Record the broadcast.
     *
     * @param  array<array-key, mixed>  $channels
     * @param  string  $event
     * @param  array<array-key, mixed>  $payload
     * @return void
     *
     * @throws \Illuminate\Broadcasting\BroadcastException when it could not be broadcast
     */
    public function broadcast(array $channels, $event, array $payload = [])
    {
        $context = $this->context ?? new BroadcastContext;
        $names = array_map(strval(...), array_values($channels));
        $data = Json::encodeObject($context->payload($payload), $event, 'data');
        $class = $context->event === null ? $event : $context->event::class;

        $version = $context->version();

        $payloads = $this->schemas->check($class, $names, $data, version: $version)
            ?? $this->onEachChannel($names, new VersionedPayload($data, $version));

        $this->fake->ignore(array_values(array_diff(array_map($this->topicOf(...), $names), array_keys($payloads))));

        if ($payloads !== []) {
            $this->fake->record(new Published(
                $this->ids->for($context, Json::encode($names, $event, 'channels'), $event, $data),
                $event, $context->event, $names, $payloads, $this->origin->get()
            ));
        }
    }

    /**
     * Authenticate the incoming request for a given channel.
     *
     * @param  \Illuminate\Http\Request  $request
     * @return mixed
     */
    public function auth($request)
    {
        return $this->broadcaster->auth($request);
    }

    /**
     * Return the valid authentication response.
     *
     * @param  \Illuminate\Http\Request  $request
     * @param  mixed  $result
     * @return mixed
     */
    public function validAuthenticationResponse($request, $result)
    {
        return $this->broadcaster->validAuthenticationResponse($request, $result);
    }

    /**
     * Take every channel for a topic, as long as the topics are not known.
     *
     * @param  list<string>  $channels
     * @return array<string, VersionedPayload>
     */
    protected function onEachChannel(array $channels, VersionedPayload $payload): array
    {
        return array_fill_keys(array_map($this->topicOf(...), $channels), $payload);
    }

    /**
     * Get the topic that a channel names.
     */
    protected function topicOf(string $channel): string
    {
        return Channel::named($channel)->topic;
    }

    /**
     * Leave everything else to the connection.
     *
     * @param  string  $method
     * @param  array<array-key, mixed>  $parameters
     */
    public function __call($method, $parameters): mixed
    {
        return $this->forwardDecoratedCallTo($this->broadcaster, $method, $parameters);
    }
}
