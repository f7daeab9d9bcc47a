<?php

namespace HmsSync\Listening;

use HmsSync\Gateway\Settle;

/**
 * Settles that wait to be sent with the next request.
 */
class Settles
{
    /**
     * Most settles that wait, and how long one may (seconds).
     */
    protected const MOST = 500;

    protected const LONGEST = 1.0;

    /**
     * @var list<Settle>
     */
    protected array $waiting = [];

    protected float $since = 0.0;

    /**
     * Join neighbours of the same fate.
     *
     * @param  list<Settle>  $settles
     * @return list<Settle>
     */
    public static function joined(array $settles): array
    {
        $joined = [];

        foreach ($settles as $settle) {
            $last = array_key_last($joined);
            $both = $last === null ? null : $joined[$last]->joinedWith($settle);
            $both === null ? $joined[] = $settle : $joined[$last] = $both;
        }

        return $joined;
    }

    /**
     * Add one.
     */
    public function add(Settle $settle, float $now): void
    {
        if ($this->waiting === []) {
            $this->since = $now;
        }

        $last = array_key_last($this->waiting);
        $both = $last === null ? null : $this->waiting[$last]->joinedWith($settle);
        $both === null ? $this->waiting[] = $settle : $this->waiting[$last] = $both;
    }

    /**
     * Determine whether they should be sent without waiting for the next pull.
     */
    public function areDue(float $now): bool
    {
        return count($this->waiting) >= self::MOST || ($this->waiting !== [] && $now - $this->since > self::LONGEST);
    }

    /**
     * Get those that wait.
     *
     * @return list<Settle>
     */
    public function all(): array
    {
        return $this->waiting;
    }

    /**
     * Note that all were answered.
     */
    public function clear(): void
    {
        $this->waiting = [];
    }
}
