<?php

namespace HmsSync\Inbound;

use RuntimeException;

/**
 * An event that this application can never handle, however often it comes: hms-sync:listen makes it a dead letter
 * with this message as the reason. A listener may throw it as well. The message must not hold values of the payload.
 */
class Undeliverable extends RuntimeException
{
    //
}
