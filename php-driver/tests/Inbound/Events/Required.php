<?php

namespace HmsSync\Tests\Inbound\Events;

class Required
{
    public function __construct(public int $id, public ?string $reason, public Finding $finding, public string $note = 'none')
    {
        //
    }
}
