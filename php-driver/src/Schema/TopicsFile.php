<?php

namespace HmsSync\Schema;

use Symfony\Component\Yaml\Exception\ParseException;
use Symfony\Component\Yaml\Yaml;

/**
 * The bus's topics.yaml with the schemas beside it. Only what a check needs is read: the sidecar judges the file as
 * a whole, and refuses it with line numbers.
 */
class TopicsFile
{
    /**
     * The topics by name.
     *
     * @var array<string, Topic>
     */
    protected array $topics = [];

    /**
     * The schemas read so far, by topic.
     *
     * @var array<string, PayloadSchema>
     */
    protected array $schemas = [];

    /**
     * The time zones that $systems states.
     *
     * @var array<string, string>
     */
    protected array $timezones = [];

    /**
     * Read the file at this path.
     *
     * @throws SchemaSetupException
     */
    public function __construct(protected string $path)
    {
        $entries = $this->read();

        foreach ($entries as $name => $entry) {
            if (! str_starts_with((string) $name, '$')) {
                $this->topics[(string) $name] = $this->entry((string) $name, $entry);
            }
        }

        foreach (is_array($entries['$systems'] ?? null) ? $entries['$systems'] : [] as $system => $options) {
            if (is_string($options['timezone'] ?? null)) {
                $this->timezones[(string) $system] = $options['timezone'];
            }
        }
    }

    /**
     * Get a topic, null when none has this name.
     */
    public function topic(string $name): ?Topic
    {
        return $this->topics[$name] ?? null;
    }

    /**
     * Get the schema that new events of a topic have to fit.
     *
     * @throws SchemaSetupException
     */
    public function schemaOf(Topic $topic): PayloadSchema
    {
        return $this->schemas[$topic->name] ??= new PayloadSchema(
            (new SchemaBundle(dirname($this->path)))->of($topic->schemaFile())
        );
    }

    /**
     * Get the time zone of date-times that a system sends without an offset, null when the file does not say.
     */
    public function timezoneOf(string $system): ?string
    {
        return $this->timezones[$system] ?? null;
    }

    /**
     * Read the file's entries.
     *
     * @return array<array-key, mixed>
     */
    protected function read(): array
    {
        if (! is_file($this->path)) {
            throw SchemaSetupException::file(
                $this->path, 'is missing. Let HMS_SYNC_TOPICS be the path of the topics.yaml of the bus, or remove it'
            );
        }

        try {
            $entries = Yaml::parseFile($this->path);
        } catch (ParseException $e) {
            throw SchemaSetupException::file($this->path, 'is not YAML: '.rtrim($e->getMessage(), '.').'. Correct it');
        }

        return is_array($entries) ? $entries : throw SchemaSetupException::file(
            $this->path, 'holds no topics. Let HMS_SYNC_TOPICS be the path of the topics.yaml of the bus'
        );
    }

    /**
     * Read one entry.
     */
    protected function entry(string $name, mixed $entry): Topic
    {
        if (! is_array($entry) || ! preg_match('/^v([1-9]\d{0,3})$/D', (string) ($entry['schema'] ?? ''), $version)) {
            throw SchemaSetupException::file(
                $this->path, "has no usable entry for [{$name}]. Write one with schema: v1 and producers: [hms-api]"
            );
        }

        return new Topic($name, (int) $version[1], array_map(strval(...), array_values((array) ($entry['producers'] ?? []))));
    }
}
