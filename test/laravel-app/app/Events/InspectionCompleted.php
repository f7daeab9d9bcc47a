<?php

namespace App\Events;

use Illuminate\Broadcasting\InteractsWithSockets;
use Illuminate\Contracts\Broadcasting\ShouldBroadcast;
use Illuminate\Foundation\Events\Dispatchable;
use Illuminate\Queue\SerializesModels;

/**
 * An inspector has finished an inspection.
 */
class InspectionCompleted implements ShouldBroadcast
{
    use Dispatchable, InteractsWithSockets, SerializesModels;

    public function __construct(
        public int $inspectionId,
        public string $completedBy,
        public string $timestamp,
    ) {
        //
    }

    /**
     * @return list<string>
     */
    public function broadcastOn(): array
    {
        return ['inspections.status'];
    }
}
