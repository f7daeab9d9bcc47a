<?php

namespace HmsSync\Schema;

use JsonException;
use stdClass;

/**
 * Checks one payload against the versions of one topic, as the bus does.
 */
class PayloadCheck
{
    /**
     * The deepest nesting of objects and arrays that the bus takes; the payload itself counts as one.
     */
    protected const MAX_DEPTH = 64;

    /**
     * Create a new check.
     *
     * @param  string  $event  the event's class, or the name it is broadcast as: for the error
     * @param  string  $data  JSON text of the payload, without "socket"
     * @param  string  $timezone  of date-times without an offset
     */
    public function __construct(
        protected string $event,
        protected Topic $topic,
        protected TopicsFile $file,
        protected string $data,
        protected string $timezone,
    ) {
        //
    }

    /**
     * Get the payload as consumers will see it, in the version that the event states.
     *
     * @throws SchemaViolation when the bus would reject it
     */
    public function stated(int $version): VersionedPayload
    {
        if (! in_array($version, $this->file->versionsOf($this->topic), true)) {
            throw $this->unknownVersion($version);
        }

        return $this->in($version);
    }

    /**
     * Get the payload as consumers will see it where the event states no version: in this version, else in the newest
     * of the others that it fits.
     *
     * @throws SchemaViolation when it fits none, with what is wrong with it in the first version
     */
    public function unstated(int $first): VersionedPayload
    {
        try {
            return $this->in($first);
        } catch (SchemaViolation $violation) {
            return $this->inAnother($first, $violation);
        }
    }

    /**
     * Get the payload in the newest other version that it fits.
     */
    protected function inAnother(int $first, SchemaViolation $violation): VersionedPayload
    {
        $others = $violation->refusal === 'schema_violation' ? array_diff($this->file->versionsOf($this->topic), [$first]) : [];

        foreach ($others as $version) {
            try {
                return $this->in($version);
            } catch (SchemaViolation $e) {
                if ($e->refusal !== 'schema_violation') {
                    throw $e;
                }
            }
        }

        throw $violation;
    }

    /**
     * Get the payload in a version.
     */
    protected function in(int $version): VersionedPayload
    {
        $schema = $this->file->schemaOf($this->topic, $version);
        $payload = $this->normalized($schema);

        if ($errors = $schema->errors($payload)) {
            throw SchemaViolation::ofPayload($this->event, $this->topic, $version, $errors);
        }

        return new VersionedPayload(json_encode($payload, JSON_THROW_ON_ERROR | JSON_PRESERVE_ZERO_FRACTION), $version);
    }

    /**
     * Get the payload with defaults and date-times filled in.
     */
    protected function normalized(PayloadSchema $schema): stdClass
    {
        try {
            return $schema->normalize($this->decoded(), $this->timezone);
        } catch (UnknownTimezone $e) {
            throw SchemaViolation::of('unknown_timezone', $this->event, $this->topic, $e->getMessage());
        }
    }

    /**
     * Decode the payload.
     */
    protected function decoded(): stdClass
    {
        try {
            return json_decode($this->data, false, self::MAX_DEPTH + 1, JSON_THROW_ON_ERROR); // PHP counts scalars as a level
        } catch (JsonException $e) {
            throw $e->getCode() === JSON_ERROR_DEPTH
                ? SchemaViolation::of('too_deep', $this->event, $this->topic, 'its payload nests deeper than '.self::MAX_DEPTH.' levels; flatten it')
                : SchemaViolation::of('malformed_json', $this->event, $this->topic, 'its payload cannot be read again: '.$e->getMessage());
        }
    }

    /**
     * Create the exception for a version that the topic does not have.
     */
    protected function unknownVersion(int $version): SchemaViolation
    {
        $versions = array_reverse($this->file->versionsOf($this->topic));
        $remedy = $version > $this->topic->version ? ' and raise schema in topics.yaml' : '';

        return SchemaViolation::of('unknown_version', $this->event, $this->topic,
            "its broadcastVersion() is {$version}, and the topic has ".(implode(', ', $versions) ?: 'none').
            "; return one that it has, or add {$this->topic->schemaFile($version)}{$remedy}"
        );
    }
}
