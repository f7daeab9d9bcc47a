<?php

namespace HmsSync\Schema;

use Illuminate\Contracts\Config\Repository;
use Illuminate\Contracts\Foundation\Application;
use Illuminate\Support\Arr;
use JsonException;
use Opis\JsonSchema\Validator;
use stdClass;
use Symfony\Component\Yaml\Yaml;

/**
 * Checks broadcasts as the bus will, in the environments that config('hms-sync.schemas') names, so that an event the
 * bus would reject fails where it is made.
 */
class SchemaCheck
{
    /**
     * The deepest nesting of objects and arrays that the bus takes; the payload itself counts as one.
     */
    protected const MAX_DEPTH = 64;

    /**
     * The file read last.
     *
     * @var array{string, TopicsFile}|null
     */
    protected ?array $file = null;

    /**
     * Create a new instance.
     */
    public function __construct(protected Application $app, protected Repository $config)
    {
        //
    }

    /**
     * Check one broadcast and get its payload for each of its topics as consumers will see it; null when broadcasts
     * are not checked here.
     *
     * @param  string  $event  the event's class, or the name it is broadcast as: for the error
     * @param  list<string>  $channels  names as Laravel's formatChannels() gives them
     * @param  string  $data  JSON text of the payload, without "socket"
     * @param  array<string, mixed>|null  $settings  config('hms-sync') where it was read for this broadcast
     * @return array<string, string>|null  JSON texts by topic
     *
     * @throws SchemaViolation when the bus would reject it
     * @throws SchemaSetupException when it cannot be checked
     */
    public function check(string $event, array $channels, string $data, ?array $settings = null): ?array
    {
        $settings ??= $this->config->get('hms-sync');

        if (! $file = $this->file($settings['schemas'] ?? [])) {
            return null;
        }

        $payloads = [];

        foreach (array_map(Channel::named(...), $channels) as $channel) {
            if ($topic = $file->topic($channel->topic)) {
                $this->ensureReadable($channel, $event, $topic);
                $payloads[$topic->name] ??= $this->payload($event, $topic, $file, $data);
            }
        }

        return $payloads;
    }

    /**
     * Get the topics to check against, null when nothing is to be checked.
     *
     * @param  array<string, mixed>  $settings  config('hms-sync.schemas')
     */
    protected function file(array $settings): ?TopicsFile
    {
        $path = $settings['topics'] ?? null;

        if (! $path || ! in_array($this->app->environment(), (array) Arr::get($settings, 'environments', ['local', 'testing']), true)) {
            return null;
        }

        if (! $this->packagesAreInstalled()) {
            throw SchemaSetupException::missingPackages();
        }

        if ($this->file === null || $this->file[0] !== $path) {
            $this->file = [$path, new TopicsFile($path[0] === '/' ? $path : $this->app->basePath($path))];
        }

        return $this->file[1];
    }

    /**
     * Determine whether Composer has installed what a check needs.
     */
    protected function packagesAreInstalled(): bool
    {
        return class_exists(Validator::class) && class_exists(Yaml::class);
    }

    /**
     * Refuse an encrypted channel, whose payload no consumer could read.
     */
    protected function ensureReadable(Channel $channel, string $event, Topic $topic): void
    {
        if ($channel->encrypted) {
            throw SchemaViolation::of('encrypted_channel', $event, $topic,
                "an encrypted channel hides its payload from every consumer; broadcast on new PrivateChannel('{$topic->name}')"
            );
        }
    }

    /**
     * Get the payload as consumers of this topic will see it.
     */
    protected function payload(string $event, Topic $topic, TopicsFile $file, string $data): string
    {
        $source = (string) $this->config->get('hms-sync.source');

        if (! in_array($source, $topic->producers, true)) {
            throw SchemaViolation::of('producer_not_listed', $event, $topic,
                "[{$source}] is not among its producers; add it there in topics.yaml, or correct HMS_SYNC_SOURCE"
            );
        }

        $schema = $file->schemaOf($topic);
        $payload = $this->normalized($schema, $this->decode($data, $event, $topic), $this->timezone($file, $source), $event, $topic);

        if ($errors = $schema->errors($payload)) {
            throw SchemaViolation::ofPayload($event, $topic, $errors);
        }

        return json_encode($payload, JSON_THROW_ON_ERROR | JSON_PRESERVE_ZERO_FRACTION);
    }

    /**
     * Fill in defaults and date-times.
     */
    protected function normalized(PayloadSchema $schema, stdClass $payload, string $timezone, string $event, Topic $topic): stdClass
    {
        try {
            return $schema->normalize($payload, $timezone);
        } catch (UnknownTimezone $e) {
            throw SchemaViolation::of('unknown_timezone', $event, $topic, $e->getMessage());
        }
    }

    /**
     * Decode the payload.
     */
    protected function decode(string $data, string $event, Topic $topic): stdClass
    {
        try {
            return json_decode($data, false, self::MAX_DEPTH + 1, JSON_THROW_ON_ERROR); // PHP counts scalars as a level
        } catch (JsonException $e) {
            throw $e->getCode() === JSON_ERROR_DEPTH
                ? SchemaViolation::of('too_deep', $event, $topic, 'its payload nests deeper than '.self::MAX_DEPTH.' levels; flatten it')
                : SchemaViolation::of('malformed_json', $event, $topic, 'its payload cannot be read again: '.$e->getMessage());
        }
    }

    /**
     * Get the time zone of date-times without an offset.
     */
    protected function timezone(TopicsFile $file, string $source): string
    {
        return $this->config->get('app.timezone') ?: $file->timezoneOf($source) ?: 'UTC';
    }
}
