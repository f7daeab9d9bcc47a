<?php

namespace App\Events;

use Carbon\CarbonImmutable;

/**
 * An agency has moved an inspection to another time. Comes from the bus.
 */
class InspectionRescheduled
{
    public function __construct(
        public int $inspectionId,
        public CarbonImmutable $scheduledFor,
        public ?string $reason = null,
    ) {
        //
    }
}
