<?php

namespace HmsSync\Tests\Origin;

use Illuminate\Contracts\Queue\ShouldQueue;
use Illuminate\Foundation\Queue\Queueable;

/**
 * A job that does what the test tells it.
 */
class Work implements ShouldQueue
{
    use Queueable;

    /**
     * @param  string  $does  the name of one of WorkSteps' methods
     */
    public function __construct(protected string $does)
    {
        //
    }

    public function handle(): void
    {
        WorkSteps::{$this->does}($this->job);
    }
}
