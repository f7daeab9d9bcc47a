<?php

namespace HmsSync\Testing;

use Closure;
use Illuminate\Support\Collection;
use Illuminate\Support\Str;
use Illuminate\Support\Testing\Fakes\Fake;
use Illuminate\Support\Traits\ReflectsClosures;
use PHPUnit\Framework\Assert as PHPUnit;
use ReflectionFunction;
use ReflectionNamedType;

/**
 * What would have gone to the bus since HmsSync::fake().
 */
class HmsSyncFake implements Fake
{
    use ReflectsClosures;

    /**
     * What would have been published, in order.
     *
     * @var list<Published>
     */
    protected array $published = [];

    /**
     * The channels that are no topic of topics.yaml.
     *
     * @var array<string, true>
     */
    protected array $ignored = [];

    /**
     * Assert that an event was published.
     *
     * @param  string|Closure  $event  its class, the name it is broadcast as, or a callback whose parameter has its class
     * @param  callable|int|null  $callback  gets the event or the Published, whichever its first parameter asks for, and then the other; or how many times
     */
    public function assertPublished(string|Closure $event, callable|int|null $callback = null): void
    {
        if (is_int($callback)) {
            $this->assertPublishedTimes($event, $callback);

            return;
        }

        PHPUnit::assertTrue(
            $this->published($event, $callback)->isNotEmpty(),
            $this->failure("The expected [{$this->nameOf($event)}] was not published".($callback ? ' as the callback wants it' : ''))
        );
    }

    /**
     * Assert that an event was published on a topic.
     *
     * @param  string|Closure  $event  as in assertPublished()
     * @param  callable|null  $callback  as in assertPublished(); the Published has the payload for this topic
     */
    public function assertPublishedOn(string $topic, string|Closure $event, ?callable $callback = null): void
    {
        PHPUnit::assertTrue(
            $this->matching($this->on($topic), $event, $callback)->isNotEmpty(),
            $this->failure("The expected [{$this->nameOf($event)}] was not published on [{$topic}]".($callback ? ' as the callback wants it' : ''))
        );
    }

    /**
     * Assert how many times an event was published.
     *
     * @param  string|Closure  $event  as in assertPublished()
     */
    public function assertPublishedTimes(string|Closure $event, int $times = 1): void
    {
        $count = $this->published($event)->count();

        PHPUnit::assertSame($times, $count, $this->failure(
            "The expected [{$this->nameOf($event)}] was published {$count} ".Str::plural('time', $count)." instead of {$times} ".Str::plural('time', $times)
        ));
    }

    /**
     * Assert that an event was not published.
     *
     * @param  string|Closure  $event  as in assertPublished()
     * @param  callable|null  $callback  as in assertPublished()
     */
    public function assertNotPublished(string|Closure $event, ?callable $callback = null): void
    {
        PHPUnit::assertCount(
            0, $this->published($event, $callback), $this->failure("The unexpected [{$this->nameOf($event)}] was published")
        );
    }

    /**
     * Assert that nothing was published.
     */
    public function assertNothingPublished(): void
    {
        PHPUnit::assertSame([], array_map(strval(...), $this->published), $this->failure(
            count($this->published).' unexpected '.Str::plural('event', count($this->published)).' would have gone to the bus'
        ));
    }

    /**
     * Get what was published.
     *
     * @param  string|Closure|null  $event  as in assertPublished(); null for everything
     * @param  callable|null  $callback  as in assertPublished()
     * @return Collection<int, Published>
     */
    public function published(string|Closure|null $event = null, ?callable $callback = null): Collection
    {
        $published = new Collection($this->published);

        return $event === null ? $published : $this->matching($published, $event, $callback);
    }

    /**
     * Record a broadcast, unless it is one that another connection of the same event has recorded.
     */
    public function record(Published $published): void
    {
        $last = end($this->published);

        if (! $last || $published->event === null || [$last->event, $last->id] !== [$published->event, $published->id]) {
            $this->published[] = $published;
        }
    }

    /**
     * Note channels that are no topic.
     *
     * @param  list<string>  $channels
     */
    public function ignore(array $channels): void
    {
        $this->ignored += array_fill_keys($channels, true);
    }

    /**
     * Get what was published on a topic.
     *
     * @return Collection<int, Published>
     */
    protected function on(string $topic): Collection
    {
        return new Collection(array_values(array_filter(
            array_map(fn (Published $published) => $published->on($topic), $this->published)
        )));
    }

    /**
     * Get what is of an event and what a callback accepts.
     *
     * @param  Collection<int, Published>  $published
     * @return Collection<int, Published>
     */
    protected function matching(Collection $published, string|Closure $event, ?callable $callback): Collection
    {
        if ($event instanceof Closure) {
            [$event, $callback] = [$this->firstClosureParameterType($event), $event];
        }

        return $published
            ->filter(fn (Published $each) => $event === Published::class || $each->is($event))
            ->filter(fn (Published $each) => $callback === null || $this->accepts($callback, $each))
            ->values();
    }

    /**
     * Determine whether a callback accepts what was published.
     */
    protected function accepts(callable $callback, Published $published): bool
    {
        $type = ((new ReflectionFunction($callback(...)))->getParameters()[0] ?? null)?->getType();

        if (! $type instanceof ReflectionNamedType || $type->isBuiltin() || is_a(Published::class, $type->getName(), true)) {
            return (bool) $callback($published, $published->event);
        }

        $class = $type->getName();

        return $published->event instanceof $class && $callback($published->event, $published);
    }

    /**
     * Get the name of the event that an assertion is about.
     */
    protected function nameOf(string|Closure $event): string
    {
        return $event instanceof Closure ? $this->firstClosureParameterType($event) : $event;
    }

    /**
     * Add what was published to the message of a failure.
     */
    protected function failure(string $message): string
    {
        $lines = array_map(fn (Published $published) => "\n  - {$published}", $this->published);
        $ignored = $this->ignored === [] ? '' : "\nChannels that are no topic: ".implode(', ', array_keys($this->ignored));

        return $message.'. '.($lines === [] ? 'Nothing was published.' : 'Published:'.implode('', $lines)).$ignored;
    }
}
