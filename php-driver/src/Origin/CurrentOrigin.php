<?php

namespace HmsSync\Origin;

/**
 * The systems from which the change came that this process is handling, so that what is broadcast meanwhile is not
 * sent back to them.
 */
class CurrentOrigin
{
    /**
     * The systems' names, the oldest first, separated by commas; empty when the change is this application's own.
     */
    protected string $origin = '';

    /**
     * Get the names of the systems, separated by commas, or an empty string.
     */
    public function get(): string
    {
        return $this->origin;
    }

    /**
     * Run the callback on behalf of other systems and return its result.
     *
     * @template T
     *
     * @param  string  $origin  names of systems, separated by commas; empty for none
     * @param  callable(): T  $work
     * @return T
     */
    public function during(string $origin, callable $work): mixed
    {
        $before = $this->origin;
        $this->origin = $origin;

        try {
            return $work();
        } finally {
            $this->origin = $before;
        }
    }

    /**
     * Run the callback as if the change were this application's own: what it broadcasts goes to every consumer.
     *
     * @template T
     *
     * @param  callable(): T  $work
     * @return T
     */
    public function without(callable $work): mixed
    {
        return $this->during('', $work);
    }
}
