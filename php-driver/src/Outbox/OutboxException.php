<?php

namespace HmsSync\Outbox;

use Illuminate\Broadcasting\BroadcastException;
use Throwable;

/**
 * A broadcast could not be written into the outbox.
 */
class OutboxException extends BroadcastException
{
    /**
     * The transaction that is open is on a connection without an outbox.
     *
     * @param  list<string>  $known  the connections that have one
     */
    public static function noOutboxOn(string $connection, string $event, array $known): self
    {
        return new self(sprintf(
            'HMS-Sync: event [%s] was broadcast inside a transaction of the database connection [%s], but the outbox is on [%s] only: '.
            'it would be sent also when that transaction is rolled back. Run the outbox migration on [%2$s] and name it in '.
            'config(\'hms-sync.outbox.connections\'), or broadcast the event outside of that transaction.',
            $event, $connection, implode('], [', $known)
        ));
    }

    /**
     * The table is not there.
     */
    public static function tableMissing(string $table, string $connection, Throwable $cause): self
    {
        return new self(
            "HMS-Sync: the outbox table [{$table}] is missing on the database connection [{$connection}]. Run [php artisan migrate], ".
            'or set HMS_SYNC_OUTBOX=false.', 0, $cause
        );
    }

    /**
     * The table is of a version of this package that had no column for the version an event states.
     */
    public static function versionMissing(string $table, string $connection, Throwable $cause): self
    {
        return new self(
            "HMS-Sync: the outbox table [{$table}] on the database connection [{$connection}] has no column [version], which an event with a ".
            'broadcastVersion() needs. Run [php artisan migrate].', 0, $cause
        );
    }

    /**
     * The database is none that the outbox knows.
     */
    public static function unknownDriver(string $driver, string $connection): self
    {
        return new self(
            "HMS-Sync: the outbox cannot be on the database connection [{$connection}], whose driver is [{$driver}]. ".
            'It works on sqlite, mysql, mariadb and pgsql.'
        );
    }
}
