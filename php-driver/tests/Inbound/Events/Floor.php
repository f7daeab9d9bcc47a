<?php

namespace HmsSync\Tests\Inbound\Events;

enum Floor: int
{
    case Ground = 0;
    case First = 1;
}
