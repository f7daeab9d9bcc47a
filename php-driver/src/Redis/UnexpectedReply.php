<?php

namespace HmsSync\Redis;

use RuntimeException;

/**
 * Redis answered, and not with what shows that the entry is stored.
 */
class UnexpectedReply extends RuntimeException
{
    //
}
