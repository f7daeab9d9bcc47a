<?php

namespace HmsSync\Outbox;

use Psr\Log\LoggerInterface;
use Throwable;

/**
 * What a process that has written into the outbox does to have it sent at once. It is only for speed: what it leaves
 * is sent by hms-sync:relay.
 */
class RelayAttempt
{
    /**
     * How many batches are sent at most: the backlog of an outage is not the business of a web request.
     */
    protected const BATCHES = 2;

    /**
     * One in so many attempts deletes old rows, for applications in which no hms-sync:relay runs.
     */
    protected const PRUNE = 50;

    /**
     * Create a new instance.
     */
    public function __construct(protected Relay $relay, protected LoggerInterface $log)
    {
        //
    }

    /**
     * Send the next rows of an outbox, unless another relay is at it or Redis was away a moment ago.
     *
     * @return bool false when the connection is in a transaction, so that another attempt makes sense later
     */
    public function on(OutboxTable $table): bool
    {
        try {
            if ($table->isInTransaction()) {
                return false;
            }

            $outcome = $this->relay->run($table, self::BATCHES);

            if (random_int(1, self::PRUNE) === 1) {
                $this->relay->prune($table, 1);
            }
        } catch (Throwable $e) {
            $outcome = new RelayOutcome(failure: $e);
        }

        if ($outcome->failure !== null) {
            $this->log->warning('HMS-Sync: the outbox was not relayed; its rows wait for hms-sync:relay. '.$outcome->failure->getMessage());
        }

        return true;
    }
}
