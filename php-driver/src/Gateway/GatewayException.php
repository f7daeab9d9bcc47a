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
     * @param  string  $gatewayCode  stable code of the problem (docs/errors.md), or no_token, unreachable, not_the_bus or cut_short, which are this client's own
     * @param  int  $status  HTTP status, 0 when there was no answer
     * @param  bool  $retryable  whether the same request may succeed later
     * @param  int|null  $retryAfter  seconds the gateway asks to wait before that, null when it says nothing
     */
    public function __construct(
        string $message,
        public readonly string $gatewayCode,
        public readonly int $status,
        public readonly bool $retryable,
        ?Throwable $previous = null,
        public readonly ?int $retryAfter = null,
    ) {
        parent::__construct($message, $status, $previous);
    }
}
