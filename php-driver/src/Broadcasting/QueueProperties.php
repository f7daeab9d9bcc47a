<?php

namespace HmsSync\Broadcasting;

use Illuminate\Bus\Batchable;
use Illuminate\Bus\Queueable;
use Illuminate\Contracts\Broadcasting\ShouldBeUnique;
use Illuminate\Queue\InteractsWithQueue;
use ReflectionClass;
use ReflectionProperty;

/**
 * The public properties of an event that tell Laravel's queue what to do with it. Laravel takes every public
 * property for payload; these say nothing to a consumer. A field that has one of these names on purpose is
 * given by broadcastWith().
 */
class QueueProperties
{
    /**
     * What Laravel reads from an event or from a queued job.
     */
    protected const NAMES = [
        'afterCommit', 'backoff', 'broadcastQueue', 'chainCatchCallbacks', 'chainConnection', 'chainQueue', 'chained',
        'connection', 'deduplicator', 'delay', 'deleteWhenMissingModels', 'failOnTimeout', 'maxExceptions',
        'messageGroup', 'queue', 'retryUntil', 'shouldBeEncrypted', 'timeout', 'tries',
    ];

    /**
     * The traits whose every public property belongs to the queue.
     */
    protected const TRAITS = [Batchable::class, InteractsWithQueue::class, Queueable::class];

    /**
     * The names by class, as keys: reflection at every broadcast is dear, and classes do not change.
     *
     * @var array<class-string, array<string, int>>
     */
    protected static array $names = [];

    /**
     * Create a new instance for the event.
     */
    public function __construct(protected object $event)
    {
        //
    }

    /**
     * Remove the queue's properties from a payload that Laravel made of the event's public properties. What
     * broadcastWith() returned is left alone.
     *
     * @param  array<array-key, mixed>  $payload
     * @return array<array-key, mixed>
     */
    public function removeFrom(array $payload): array
    {
        $remaining = array_diff_key($payload, self::$names[$this->event::class] ??= array_flip($this->names()));

        return count($remaining) < count($payload) && $this->isMadeOfProperties($payload) ? $remaining : $payload;
    }

    /**
     * Get the names of the queue's properties.
     *
     * @return list<string>
     */
    protected function names(): array
    {
        $names = self::NAMES;

        foreach (array_intersect(self::TRAITS, class_uses_recursive($this->event)) as $trait) {
            array_push($names, ...$this->publicProperties($trait));
        }

        return $this->event instanceof ShouldBeUnique ? [...$names, 'uniqueFor', 'uniqueId'] : $names;
    }

    /**
     * Determine whether the payload is what Laravel makes of the public properties. broadcastWith() is asked a
     * second time only when its keys could be theirs; null from it means that the properties were used.
     *
     * @param  array<array-key, mixed>  $payload
     */
    protected function isMadeOfProperties(array $payload): bool
    {
        $properties = array_diff($this->publicProperties($this->event), ['broadcastQueue']);

        return array_keys($payload) === array_values($properties)
            && (! method_exists($this->event, 'broadcastWith') || $this->event->broadcastWith() === null);
    }

    /**
     * Get the names of the public properties of a class, in the order in which Laravel reads them.
     *
     * @param  object|class-string  $class
     * @return list<string>
     */
    protected function publicProperties(object|string $class): array
    {
        return array_map(
            fn (ReflectionProperty $property) => $property->getName(),
            (new ReflectionClass($class))->getProperties(ReflectionProperty::IS_PUBLIC)
        );
    }
}
