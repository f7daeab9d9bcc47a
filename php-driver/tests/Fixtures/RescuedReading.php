<?php

namespace HmsSync\Tests\Fixtures;

use Illuminate\Contracts\Broadcasting\ShouldRescue;

/**
 * An event whose failure to broadcast Laravel 12 reports instead of throwing it.
 */
class RescuedReading extends Reading implements ShouldRescue
{
    //
}
