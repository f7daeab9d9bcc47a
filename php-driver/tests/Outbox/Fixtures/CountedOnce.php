<?php

namespace HmsSync\Tests\Outbox\Fixtures;

use Illuminate\Contracts\Broadcasting\ShouldBeUnique;

class CountedOnce extends Counted implements ShouldBeUnique
{
    public string $uniqueId = 'counted';

    public int $uniqueFor = 60;
}
