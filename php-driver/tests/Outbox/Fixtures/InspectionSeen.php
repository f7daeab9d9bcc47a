<?php

namespace HmsSync\Tests\Outbox\Fixtures;

use App\Models\Inspection;
use Illuminate\Contracts\Broadcasting\ShouldBroadcast;
use Illuminate\Queue\SerializesModels;

/**
 * An event that holds a model, as most of Laravel's do.
 */
class InspectionSeen implements ShouldBroadcast
{
    use SerializesModels;

    public function __construct(public Inspection $inspection)
    {
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
