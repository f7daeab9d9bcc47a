<?php

use App\Events\InspectionRescheduled;

// Only what differs from the package's own configuration.
return [

    'inbound' => [
        'inspections.rescheduled' => InspectionRescheduled::class,
    ],

];
