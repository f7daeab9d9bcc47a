<?php

namespace HmsSync\Tests\Inbound\Events;

class Finding
{
    public function __construct(public string $code, public Urgency $urgency = Urgency::Routine, public ?self $cause = null)
    {
        //
    }
}
