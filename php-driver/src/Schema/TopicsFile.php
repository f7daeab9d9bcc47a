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
     * The schemas read so far, by topic and version.
     *
     * @var array<string, array<int, PayloadSchema>>
     */
    protected array $schemas = [];

    /**
     * The versions looked for so far, by topic.
     *
     * @var array<string, list<int>>
     */
    protected array $versions = [];

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
     * Get the versions of a topic in which the bus takes events, newest first: those up to the current one whose schema is
     * there.
     *
     * @return list<int>
     */
    public function versionsOf(Topic $topic): array
    {
        return $this->versions[$topic->name] ??= $this->listedVersions($topic);
    }

    /**
     * Get a version of a topic's schema.
     *
     * @throws SchemaSetupException
     */
    public function schemaOf(Topic $topic, int $version): PayloadSchema
    {
        return $this->schemas[$topic->name][$version] ??= new PayloadSchema(
            (new SchemaBundle(dirname($this->path)))->of($topic->schemaFile($version))
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
        $version = is_array($entry) ? $this->version($entry['schema'] ?? null) : null;

        if ($version === null) {
            throw SchemaSetupException::file(
                $this->path, "has no usable entry for [{$name}]. Write one with schema: v1 and producers: [hms-api]"
            );
        }

        $producers = array_map($this->producer(...), array_values((array) ($entry['producers'] ?? [])));
        $pins = array_filter(array_column($producers, 1, 0), fn (mixed $pin) => $pin !== null);

        return new Topic($name, $version, array_column($producers, 0), array_map(
            fn (mixed $pin) => $this->pinned($pin, $name, $version), $pins
        ));
    }

    /**
     * Read a producer, which is a name or {name: hms-api, version: v1}.
     *
     * @return array{string, mixed}  its name, and the version as the file has it
     */
    protected function producer(mixed $producer): array
    {
        [$name, $version] = is_array($producer) ? [$producer['name'] ?? '', $producer['version'] ?? null] : [$producer, null];

        return [is_scalar($name) ? (string) $name : '', $version];
    }

    /**
     * Read the version that a producer is pinned to.
     */
    protected function pinned(mixed $pin, string $topic, int $current): int
    {
        $version = $this->version($pin);

        return $version !== null && $version <= $current ? $version : throw SchemaSetupException::file(
            $this->path, "pins a producer of [{$topic}] to the version [".(is_scalar($pin) ? $pin : get_debug_type($pin)).
            "]. Write one that the topic has, up to v{$current}, or raise its schema"
        );
    }

    /**
     * Read a version: 2 for v2, null for anything that is none.
     */
    protected function version(mixed $text): ?int
    {
        return is_string($text) && preg_match('/^v([1-9]\d{0,3})$/D', $text, $match) ? (int) $match[1] : null;
    }

    /**
     * Look for the schemas of a topic.
     *
     * @return list<int>
     */
    protected function listedVersions(Topic $topic): array
    {
        $directory = dirname($this->path)."/schemas/{$topic->name}";
        $files = array_filter(is_dir($directory) ? (scandir($directory) ?: []) : [], fn (string $file) => is_file("{$directory}/{$file}"));
        $versions = array_map(fn (string $file) => $this->version(basename($file, '.json')), preg_grep('/\.json$/D', $files) ?: []);
        $listed = array_filter($versions, fn (?int $version) => $version !== null && $version <= $topic->version);

        rsort($listed);

        return $listed;
    }
}
