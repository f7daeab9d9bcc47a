<?php

namespace HmsSync\Outbox;

use Throwable;

/**
 * What one run of the relay over one outbox has done.
 */
class RelayOutcome
{
    /**
     * Create a new instance.
     *
     * @param  int  $sent  how many rows the bus has got
     * @param  int  $refused  how many rows Redis refused, so that their keys are held back
     * @param  bool  $more  whether rows are left that could be sent at once
     * @param  Throwable|null  $failure  why rows could not be sent that another run may send
     * @param  bool  $busy  whether another relay was at it
     */
    public function __construct(
        public readonly int $sent = 0,
        public readonly int $refused = 0,
        public readonly bool $more = false,
        public readonly ?Throwable $failure = null,
        public readonly bool $busy = false,
    ) {
        //
    }
}
