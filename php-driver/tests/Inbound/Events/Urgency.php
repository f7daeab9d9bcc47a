<?php

namespace HmsSync\Tests\Inbound\Events;

enum Urgency: string
{
    case Routine = 'routine';
    case Urgent = 'urgent';
}
