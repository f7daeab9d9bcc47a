<?php

namespace HmsSync\Gateway;

use RuntimeException;
use Throwable;

/**
 * The gateway refused a request, or could not be reached.
 */
class GatewayException extends RuntimeException
{
    /**
     * Create a new exception.
     *
     * @param  string  $gatewayCode  stable code of the problem (docs/errors.md), "unreachable" when there was no answer
     * @param  int  $status  HTTP status, 0 when there was no answer
     * @param  bool  $retryable  whether the same request may succeed later
     */
    public function __construct(
        string $message,
        public readonly string $gatewayCode,
        public readonly int $status,
        public readonly bool $retryable,
        ?Throwable $previous = null,
    ) {
        parent::__construct($message, $status, $previous);
    }
}
