<?php

namespace HmsSync;

use Closure;
use HmsSync\Origin\CurrentOrigin;
use HmsSync\Testing\FakeBroadcastManager;
use HmsSync\Testing\HmsSyncFake;
use Illuminate\Broadcasting\BroadcastManager;
use Illuminate\Broadcasting\PendingBroadcast;
use Illuminate\Container\Container;
use Illuminate\Contracts\Broadcasting\Broadcaster;
use Illuminate\Contracts\Broadcasting\Factory;
use Illuminate\Foundation\Bus\PendingDispatch;
use Illuminate\Support\Collection;
use Illuminate\Support\Facades\Broadcast;
use LogicException;

/**
 * What an application says to the bus in code.
 */
class HmsSync
{
    /**
     * Run the callback as if the change it makes were this application's own, and return its result: what it
     * broadcasts goes to every consumer, the systems that the change came from included. Of dispatch() and
     * broadcast() it returns null: they have queued their job by then.
     *
     * @template T
     *
     * @param  callable(): T  $work
     * @return (T is PendingDispatch|PendingBroadcast ? null : T)
     */
    public static function withoutOrigin(callable $work): mixed
    {
        return Container::getInstance()->make(CurrentOrigin::class)->without($work);
    }

    /**
     * From now on record what would go to the bus instead of sending it to Redis or writing it to the outbox.
     * A queued broadcast is recorded when its event is fired. Called again, it begins with an empty record.
     */
    public static function fake(): HmsSyncFake
    {
        $app = Container::getInstance();
        $fake = new HmsSyncFake;
        $manager = $app->make(BroadcastManager::class);
        $manager = $manager instanceof FakeBroadcastManager ? $manager->manager() : $manager;

        $app->instance(HmsSyncFake::class, $fake);
        $app->instance(BroadcastManager::class, new FakeBroadcastManager($app, $manager, $fake));
        $app->forgetInstance(Broadcaster::class);
        Broadcast::clearResolvedInstance(Factory::class);

        return $fake;
    }

    /**
     * Assert that an event was published.
     *
     * @param  string|Closure  $event  its class, the name it is broadcast as, or a callback whose parameter has its class
     * @param  callable|int|null  $callback  gets the event or the HmsSync\Testing\Published, whichever its first
     *                                       parameter asks for, and then the other; or how many times
     */
    public static function assertPublished(string|Closure $event, callable|int|null $callback = null): void
    {
        static::faked()->assertPublished($event, $callback);
    }

    /**
     * Assert that an event was published on a topic.
     *
     * @param  string|Closure  $event  as in assertPublished()
     * @param  callable|null  $callback  as in assertPublished(); the Published has the payload for this topic
     */
    public static function assertPublishedOn(string $topic, string|Closure $event, ?callable $callback = null): void
    {
        static::faked()->assertPublishedOn($topic, $event, $callback);
    }

    /**
     * Assert how many times an event was published.
     *
     * @param  string|Closure  $event  as in assertPublished()
     */
    public static function assertPublishedTimes(string|Closure $event, int $times = 1): void
    {
        static::faked()->assertPublishedTimes($event, $times);
    }

    /**
     * Assert that an event was not published.
     *
     * @param  string|Closure  $event  as in assertPublished()
     * @param  callable|null  $callback  as in assertPublished()
     */
    public static function assertNotPublished(string|Closure $event, ?callable $callback = null): void
    {
        static::faked()->assertNotPublished($event, $callback);
    }

    /**
     * Assert that nothing was published.
     */
    public static function assertNothingPublished(): void
    {
        static::faked()->assertNothingPublished();
    }

    /**
     * Get what was published.
     *
     * @param  string|Closure|null  $event  as in assertPublished(); null for everything
     * @param  callable|null  $callback  as in assertPublished()
     * @return Collection<int, \HmsSync\Testing\Published>
     */
    public static function published(string|Closure|null $event = null, ?callable $callback = null): Collection
    {
        return static::faked()->published($event, $callback);
    }

    /**
     * Get the record of what was published.
     */
    protected static function faked(): HmsSyncFake
    {
        $app = Container::getInstance();

        return $app->bound(HmsSyncFake::class) ? $app->make(HmsSyncFake::class) : throw new LogicException(
            'HMS-Sync records nothing yet. Call HmsSync::fake() before the code under test runs.'
        );
    }
}
