<?php

namespace HmsSync\Inbox;

use HmsSync\Inbound\Envelope;
use RuntimeException;
use Throwable;

/**
 * An event of an exactly_once topic could not be taken up as once. It comes again.
 */
class InboxException extends RuntimeException
{
    /**
     * Create a new exception for a listener that ended the transaction it runs in.
     */
    public static function transactionEnded(Envelope $envelope, string $connection): self
    {
        return new self(
            "HMS-Sync: a listener of topic [{$envelope->topic}] ended the database transaction on the connection [{$connection}] ".
            'in which it runs: with DB::rollBack(), DB::commit(), PDO, or a statement that commits by itself, as CREATE TABLE does on MySQL. '.
            'What was rolled back is gone and the event comes again; what was committed stands, with the event counted as handled. '.
            'Use DB::transaction(), or throw an exception to roll back.'
        );
    }

    /**
     * Create a new exception for a table that is not there.
     */
    public static function tableMissing(string $table, string $connection, Throwable $cause): self
    {
        return new self(
            "HMS-Sync: the table [{$table}] is missing on the database connection [{$connection}], so that an event of ".
            'an exactly_once topic cannot be taken up. Run [php artisan migrate]; the event comes again.', previous: $cause
        );
    }
}
