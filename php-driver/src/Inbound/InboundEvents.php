<?php

namespace HmsSync\Inbound;

use HmsSync\Events\EnvelopeReceived;
use HmsSync\Inbound\Types\Mismatch;
use HmsSync\Inbound\Types\TypeReader;
use HmsSync\Inbound\Types\Unbuildable;
use Illuminate\Contracts\Config\Repository;

/**
 * The event classes that config('hms-sync.inbound') allows, by topic.
 */
class InboundEvents
{
    /**
     * Create a new instance.
     */
    public function __construct(protected Repository $config, protected TypeReader $types)
    {
        //
    }

    /**
     * Make the event that an envelope becomes.
     *
     * @throws \HmsSync\Inbound\Undeliverable when the payload is not what the class takes
     * @throws \HmsSync\Inbound\InboundSetupException when the class can be built of no payload
     */
    public function make(Envelope $envelope): object
    {
        $class = $this->classes()[$envelope->topic] ?? null;

        return match (true) {
            $class === null => new EnvelopeReceived($envelope),
            $this->buildsItself($this->check($envelope->topic, $class)) => $class::fromEnvelope($envelope),
            default => $this->build($class, $envelope),
        };
    }

    /**
     * Check every class on the list, so that a mistake is found before its first event comes.
     *
     * @throws \HmsSync\Inbound\InboundSetupException
     */
    public function verify(): void
    {
        foreach ($this->classes() as $topic => $class) {
            $this->check($topic, $class);
        }
    }

    /**
     * Get the list.
     *
     * @return array<string, mixed>
     */
    protected function classes(): array
    {
        return (array) $this->config->get('hms-sync.inbound');
    }

    /**
     * Build an event from its payload by name.
     *
     * @param  class-string  $class
     */
    protected function build(string $class, Envelope $envelope): object
    {
        try {
            return $this->types->object($class)->accept($envelope->payload, '');
        } catch (Mismatch $e) {
            throw new Undeliverable(
                "HMS-Sync: an event of topic [{$envelope->topic}] cannot become [{$class}]: {$e->getMessage()}.", previous: $e
            );
        }
    }

    /**
     * Refuse a class that can be built of no payload.
     *
     * @return class-string
     */
    protected function check(string $topic, mixed $class): string
    {
        if (! is_string($class) || ! class_exists($class)) {
            $shown = is_string($class) ? "[{$class}]" : get_debug_type($class);

            throw $this->invalid($topic, "{$shown} is not the name of a class that exists; write App\\Events\\Name::class");
        }

        try {
            return $this->buildsItself($class) ? $class : $this->types->object($class)->class;
        } catch (Unbuildable $e) {
            throw $this->invalid($topic, $e->getMessage(), $e);
        }
    }

    /**
     * Determine whether a class builds itself.
     *
     * @phpstan-assert-if-true class-string<\HmsSync\Inbound\FromEnvelope> $class
     */
    protected function buildsItself(string $class): bool
    {
        return is_subclass_of($class, FromEnvelope::class);
    }

    /**
     * Create the exception for a line of the list.
     */
    protected function invalid(string $topic, string $reason, ?Unbuildable $cause = null): InboundSetupException
    {
        return new InboundSetupException(
            "HMS-Sync: config/hms-sync.php: 'inbound': '{$topic}': {$reason}, or let the class implement ".FromEnvelope::class.'.',
            previous: $cause
        );
    }
}
