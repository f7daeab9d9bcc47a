<?php

namespace HmsSync\Console\Doctor;

use HmsSync\Inbound\InboundEvents;
use HmsSync\Inbound\InboundSetupException;
use Illuminate\Contracts\Config\Repository;
use Illuminate\Support\Str;

/**
 * Whether the events that come in can become the classes that are named for them, as hms-sync:listen checks it when it
 * starts.
 */
class EventsCheck implements Check
{
    /**
     * Create a new check.
     */
    public function __construct(protected InboundEvents $events, protected Repository $config)
    {
        //
    }

    /**
     * Get the name by which the check is shown.
     */
    public function name(): string
    {
        return 'events';
    }

    /**
     * Look at every class on the list.
     */
    public function run(Examination $examination): Finding
    {
        try {
            $this->events->verify();
        } catch (InboundSetupException $e) {
            return Finding::fail(Str::after($e->getMessage(), 'HMS-Sync: '), 'Until it is corrected, hms-sync:listen does not start.');
        }

        return match ($count = count((array) $this->config->get('hms-sync.inbound'))) {
            0 => Finding::ok("config('hms-sync.inbound') names no event class."),
            1 => Finding::ok('The event class that comes in can be built.'),
            default => Finding::ok("The {$count} event classes that come in can be built."),
        };
    }
}
