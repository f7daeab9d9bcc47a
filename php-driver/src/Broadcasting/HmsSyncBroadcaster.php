<?php

namespace HmsSync\Broadcasting;

use HmsSync\Origin\CurrentOrigin;
use HmsSync\Outbox\Outbox;
use HmsSync\Redis\IntakeStream;
use HmsSync\Schema\SchemaCheck;
use Illuminate\Broadcasting\Broadcasters\RedisBroadcaster;
use Illuminate\Broadcasting\BroadcastException;
use Illuminate\Contracts\Config\Repository;
use Illuminate\Contracts\Redis\Factory as Redis;

/**
 * Broadcasts by appending one entry to the bus's intake stream, however many channels the event has.
 *
 * Channel authorization is that of Laravel's redis driver.
 */
class HmsSyncBroadcaster extends RedisBroadcaster implements Contextual
{
    /**
     * The stream that takes the entries.
     */
    protected IntakeStream $intake;

    /**
     * What tells the time of each broadcast.
     */
    protected Clock $clock;

    /**
     * The event being broadcast, null for a payload that was handed to the broadcaster directly.
     */
    protected ?BroadcastContext $context = null;

    /**
     * Create a new broadcaster instance.
     *
     * @param  string  $source  the application's name among the producers in topics.yaml
     * @param  string  $timezone  the timezone of date-times without an offset in payloads
     */
    public function __construct(
        Redis $redis,
        string $connection,
        protected BroadcastIds $ids,
        protected string $source,
        protected string $timezone,
        protected SchemaCheck $schemas,
        protected CurrentOrigin $origin,
        protected Outbox $outbox,
        protected Forwarding $forwarding,
        protected Repository $config,
    ) {
        parent::__construct($redis, $connection);

        $this->intake = new IntakeStream($redis, $connection);
        $this->clock = new Clock;
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
     * Broadcast the given event: return when Redis has it, or, with the outbox, when it is written there.
     *
     * @param  array<array-key, mixed>  $channels
     * @param  string  $event
     * @param  array<array-key, mixed>  $payload
     * @return void
     *
     * @throws \Illuminate\Broadcasting\BroadcastException when it cannot be encoded, Redis or the outbox did not take it, or it
     *                                                      fails the check of config('hms-sync.schemas')
     */
    public function broadcast(array $channels, $event, array $payload = [])
    {
        if ($channels === []) {
            return;
        }

        $this->ensureNamed($event);

        $context = $this->context ?? new BroadcastContext;
        $settings = (array) $this->config->get('hms-sync');
        $channels = array_values($this->formatChannels($channels));
        $socket = $payload['socket'] ?? null;
        $payload = $context->payload($payload);
        $entry = $this->entry($channels, $event, $payload, $context, $settings);
        $forward = $this->forwarding->connections($settings['forward'] ?? null, $context);

        if ($this->outbox->isEnabled($settings)) {
            $this->outbox->write($entry, (string) $this->connection, $channels, $forward, $socket, $context);

            return;
        }

        $this->intake->append($entry);

        if ($forward !== []) {
            $this->forwarding->forward($forward, $channels, $event, [...$payload, 'socket' => $socket]);
        }
    }

    /**
     * Make the entry of the intake stream.
     *
     * @param  list<string>  $channels
     * @param  array<array-key, mixed>  $payload
     * @param  array<string, mixed>  $settings  config('hms-sync')
     * @return array<string, string>
     */
    protected function entry(array $channels, string $event, array $payload, BroadcastContext $context, array $settings): array
    {
        $names = Json::encode($channels, $event, 'channels');
        $data = Json::encodeObject($payload, $event, 'data');
        $version = $context->version();

        $this->schemas->check($context->event === null ? $event : $context->event::class, $channels, $data, $settings, $version);

        $entry = [
            'id' => $this->ids->for($context, $names, $event, $data),
            'channels' => $names,
            'event' => $event,
            'data' => $data,
            'time' => $this->clock->now(),
            'source' => $this->source,
            'timezone' => $this->timezone,
        ];

        if (($origin = $this->origin->get()) !== '') {
            $entry['origin'] = $origin;
        }

        if ($version !== null) {
            $entry['version'] = (string) $version;
        }

        return $entry;
    }

    /**
     * Refuse an event name that the sidecar would reject later, where the developer sees it. The name of an
     * anonymous class is one of these.
     */
    protected function ensureNamed(string $event): void
    {
        if (! Name::isValid($event, Name::MAX_EVENT)) {
            throw new BroadcastException(sprintf(
                'HMS-Sync: [%s] cannot be the name of an event. Give the event a broadcastAs() that returns a text '.
                'of 1 to %d bytes without control characters.', Name::shown($event), Name::MAX_EVENT
            ));
        }
    }
}
