<?php

namespace App\Events;

use Illuminate\Broadcasting\InteractsWithSockets;
use Illuminate\Contracts\Broadcasting\ShouldBroadcast;
use Illuminate\Foundation\Events\Dispatchable;

/**
 * An inspection takes place at another time than before.
 */
class InspectionScheduled implements ShouldBroadcast
{
    use Dispatchable, InteractsWithSockets;

    public function __construct(public int $inspectionId, public string $scheduledFor)
    {
        //
    }

    /**
     * @return list<string>
     */
    public function broadcastOn(): array
    {
        return ['inspections.schedule'];
    }
}
