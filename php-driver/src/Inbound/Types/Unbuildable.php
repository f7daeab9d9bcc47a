<?php

namespace HmsSync\Inbound\Types;

use LogicException;

/**
 * A class cannot be built from a payload, whatever the payload is.
 */
class Unbuildable extends LogicException
{
    //
}
