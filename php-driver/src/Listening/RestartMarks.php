<?php

namespace HmsSync\Listening;

use Closure;
use Illuminate\Cache\Repository;
use Illuminate\Contracts\Cache\Repository as Cache;

/**
 * The cache as Laravel's worker is given it, in which it looks for the mark of queue:restart at the end of each turn,
 * paused or not. What it finds there stands for the mark of hms-sync:restart too.
 *
 * A busy worker reads the marks once a second, not once an event: that saves a request to redis for each. A paused one
 * reads them each turn: when maintenance mode ends, it must have seen the restart that was asked for meanwhile.
 */
class RestartMarks extends Repository
{
    /**
     * Where hms-sync:restart and Laravel's queue:restart leave their marks.
     */
    public const OURS = 'hms-sync:restart';

    public const LARAVELS = 'illuminate:queue:restart';

    /**
     * How often to look (seconds).
     */
    protected const EVERY = 1.0;

    protected string $marks = '';

    protected float $lookedAt = -INF;

    /**
     * Create a new view of the application's cache.
     *
     * @param  Closure(): bool  $endTurn  called at the end of each turn of the worker; returns whether it is paused
     */
    public function __construct(Cache $cache, protected Closure $endTurn)
    {
        parent::__construct($cache->getStore());
    }

    /**
     * Get an item; for the key of queue:restart, a text that differs once either command was run.
     *
     * @param  array<string>|string  $key
     * @param  mixed  $default
     */
    public function get($key, $default = null): mixed
    {
        if ($key !== self::LARAVELS) {
            return parent::get($key, $default);
        }

        return $this->marks(($this->endTurn)());
    }

    /**
     * Get both marks in one text, at most a second old, or read now.
     */
    protected function marks(bool $afresh): string
    {
        $now = hrtime(true) / 1_000_000_000;

        if ($afresh || $now - $this->lookedAt >= self::EVERY) {
            $this->lookedAt = $now;
            $this->marks = (string) json_encode(array_values($this->many([self::LARAVELS, self::OURS])));
        }

        return $this->marks;
    }
}
