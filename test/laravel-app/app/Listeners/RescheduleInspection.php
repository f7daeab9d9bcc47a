<?php

namespace App\Listeners;

use App\Events\InspectionRescheduled;
use App\Events\InspectionScheduled;
use App\Models\Inspection;

/**
 * Takes up what an agency has moved, and tells the other agencies.
 */
class RescheduleInspection
{
    public function handle(InspectionRescheduled $event): void
    {
        Inspection::query()->updateOrCreate(
            ['id' => $event->inspectionId],
            ['scheduled_for' => $event->scheduledFor->utc()],
        );

        event(new InspectionScheduled($event->inspectionId, $event->scheduledFor->toRfc3339String()));
    }
}
