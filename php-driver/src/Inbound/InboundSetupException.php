<?php

namespace HmsSync\Inbound;

use LogicException;

/**
 * The application is not set up to take this event. The event is not at fault: it comes again until it is.
 */
class InboundSetupException extends LogicException
{
    //
}
