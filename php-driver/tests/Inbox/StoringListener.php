<?php

namespace HmsSync\Tests\Inbox;

use HmsSync\Events\EnvelopeReceived;
use Illuminate\Contracts\Queue\ShouldQueue;
use Illuminate\Support\Facades\DB;

/**
 * A queued listener that leaves an effect.
 */
class StoringListener implements ShouldQueue
{
    public function handle(EnvelopeReceived $event): void
    {
        DB::table('inspections')->insert(['status' => 'queued '.$event->envelope->id]);
    }
}
