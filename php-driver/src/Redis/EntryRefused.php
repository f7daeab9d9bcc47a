<?php

namespace HmsSync\Redis;

use Illuminate\Broadcasting\BroadcastException;

/**
 * Redis, or a proxy before it, refused one entry for what it is, and may take others: it is too large, for instance.
 */
class EntryRefused extends BroadcastException
{
    //
}
