<?php

namespace HmsSync\Tests\Outbox\Fixtures;

use App\Models\Inspection;
use Illuminate\Broadcasting\Channel;
use Illuminate\Database\Eloquent\BroadcastsEvents;

/**
 * A model that broadcasts its own changes.
 */
class LoudInspection extends Inspection
{
    use BroadcastsEvents;

    protected $table = 'inspections';

    /**
     * @param  string  $event
     * @return list<Channel>
     */
    public function broadcastOn($event): array
    {
        return [new Channel('inspections.status')];
    }

    /**
     * @return array<string, mixed>
     */
    public function broadcastWith(string $event): array
    {
        return ['event' => $event, 'id' => $this->id, 'status' => $this->status];
    }
}
