<?php

namespace HmsSync\Schema;

use Illuminate\Contracts\Config\Repository;
use Illuminate\Contracts\Foundation\Application;
use Illuminate\Support\Arr;
use Opis\JsonSchema\Validator;
use Symfony\Component\Yaml\Yaml;

/**
 * Checks broadcasts as the bus will, in the environments that config('hms-sync.schemas') names, so that an event the
 * bus would reject fails where it is made.
 */
class SchemaCheck
{
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
     * @param  int|null  $version  the schema version that the event states
     * @return array<string, VersionedPayload>|null  by topic
     *
     * @throws SchemaViolation when the bus would reject it
     * @throws SchemaSetupException when it cannot be checked
     */
    public function check(string $event, array $channels, string $data, ?array $settings = null, ?int $version = null): ?array
    {
        $settings ??= $this->config->get('hms-sync');

        if (! $file = $this->file($settings['schemas'] ?? [])) {
            return null;
        }

        $payloads = [];

        foreach (array_map(Channel::named(...), $channels) as $channel) {
            if ($topic = $file->topic($channel->topic)) {
                $this->ensureReadable($channel, $event, $topic);
                $payloads[$topic->name] ??= $this->payload($event, $topic, $file, $data, $version);
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
    protected function payload(string $event, Topic $topic, TopicsFile $file, string $data, ?int $version): VersionedPayload
    {
        $source = (string) $this->config->get('hms-sync.source');

        if (! in_array($source, $topic->producers, true)) {
            throw SchemaViolation::of('producer_not_listed', $event, $topic,
                "[{$source}] is not among its producers; add it there in topics.yaml, or correct HMS_SYNC_SOURCE"
            );
        }

        $check = new PayloadCheck($event, $topic, $file, $data, $this->timezone($file, $source));

        return $version === null ? $check->unstated($topic->versionOf($source)) : $check->stated($version);
    }

    /**
     * Get the time zone of date-times without an offset.
     */
    protected function timezone(TopicsFile $file, string $source): string
    {
        return $this->config->get('app.timezone') ?: $file->timezoneOf($source) ?: 'UTC';
    }
}
