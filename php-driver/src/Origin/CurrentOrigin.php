<?php

namespace HmsSync\Origin;

use Illuminate\Broadcasting\PendingBroadcast;
use Illuminate\Foundation\Bus\PendingDispatch;

/**
 * The systems from which the change came that this process is handling, so that what is broadcast meanwhile is not
 * sent back to them.
 */
class CurrentOrigin
{
    /**
     * The most systems that the bus lets an event name as its origin.
     */
    public const MAX_SYSTEMS = 16;

    /**
     * The systems' names, the oldest first, separated by commas; empty when the change is this application's own.
     */
    protected string $origin = '';

    /**
     * Determine whether the text is 1 to 16 names of systems separated by commas, as the sidecar takes it.
     */
    public static function isValid(string $origin): bool
    {
        return preg_match('/^(?:[a-z0-9][a-z0-9._-]{0,99}(?:,(?!$)|$)){1,'.self::MAX_SYSTEMS.'}$/D', $origin) === 1;
    }

    /**
     * Join origins, each system named once. Of more systems than the bus takes the newest remain.
     */
    public static function join(string ...$origins): string
    {
        $systems = array_unique(array_filter(explode(',', implode(',', $origins)), fn (string $system) => $system !== ''));

        return implode(',', array_slice($systems, -self::MAX_SYSTEMS));
    }

    /**
     * Get the names of the systems, separated by commas, or an empty string.
     */
    public function get(): string
    {
        return $this->origin;
    }

    /**
     * Change the origin and return the one before. Whoever calls this must put that back.
     */
    public function swap(string $origin): string
    {
        [$before, $this->origin] = [$this->origin, $origin];

        return $before;
    }

    /**
     * Run the callback on behalf of other systems and return its result.
     *
     * Of dispatch() and broadcast() it returns null: what they return queues the job when it is let go of, which must
     * be before the origin changes back.
     *
     * @template T
     *
     * @param  string  $origin  names of systems, separated by commas; empty for none
     * @param  callable(): T  $work
     * @return (T is PendingDispatch|PendingBroadcast ? null : T)
     */
    public function during(string $origin, callable $work): mixed
    {
        $before = $this->swap($origin);

        try {
            $result = $work();

            if ($result instanceof PendingDispatch || $result instanceof PendingBroadcast) {
                $result = null;
            }

            return $result;
        } finally {
            $this->swap($before);
        }
    }

    /**
     * Run the callback as if the change were this application's own: what it broadcasts goes to every consumer.
     *
     * @template T
     *
     * @param  callable(): T  $work
     * @return (T is PendingDispatch|PendingBroadcast ? null : T)
     */
    public function without(callable $work): mixed
    {
        return $this->during('', $work);
    }
}
