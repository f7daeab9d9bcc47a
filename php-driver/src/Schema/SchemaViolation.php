<?php

namespace HmsSync\Schema;

use Illuminate\Broadcasting\BroadcastException;

/**
 * A broadcast that the bus would keep as a reject, found where it was made.
 */
class SchemaViolation extends BroadcastException
{
    /**
     * The most errors that the message shows.
     */
    protected const SHOWN = 20;

    /**
     * Create a new exception.
     *
     * @param  string  $event  the event's class, or the name it is broadcast as
     * @param  string  $topic  the topic that refuses it
     * @param  string  $refusal  the code of the bus: schema_violation, unknown_version, producer_not_listed ...
     * @param  string  $schema  path of the schema file, relative to topics.yaml
     * @param  list<array{path: string, message: string}>  $errors  path is a JSON Pointer into the payload, empty for all of it
     */
    public function __construct(
        string $message,
        public readonly string $event,
        public readonly string $topic,
        public readonly string $refusal,
        public readonly string $schema,
        public readonly array $errors = [],
    ) {
        parent::__construct($message);
    }

    /**
     * Create the exception for a payload that does not fit a version of the topic's schema.
     *
     * @param  list<array{path: string, message: string}>  $errors
     */
    public static function ofPayload(string $event, Topic $topic, int $version, array $errors): self
    {
        $schema = $topic->schemaFile($version);
        $lines = array_map(fn (array $error) => "\n  - ".($error['path'] ?: 'the payload').": {$error['message']}", $errors);
        $more = count($lines) > self::SHOWN ? "\n  - and ".(count($lines) - self::SHOWN).' more' : '';

        return new self(
            "HMS-Sync: {$event} does not fit the topic {$topic->name} ({$schema}):".
            implode('', array_slice($lines, 0, self::SHOWN)).$more.
            "\nThe bus would reject it. Correct what the event broadcasts (its broadcastWith() or public properties), or the schema.",
            $event, $topic->name, 'schema_violation', $schema, $errors
        );
    }

    /**
     * Create the exception for a broadcast that the topic refuses whatever its payload is.
     *
     * @param  string  $reason  what is wrong, and the remedy
     */
    public static function of(string $refusal, string $event, Topic $topic, string $reason): self
    {
        return new self(
            "HMS-Sync: {$event} cannot be published to the topic {$topic->name}: {$reason}.",
            $event, $topic->name, $refusal, $topic->schemaFile()
        );
    }
}
