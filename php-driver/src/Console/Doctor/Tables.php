<?php

namespace HmsSync\Console\Doctor;

use Illuminate\Database\DatabaseManager;
use Throwable;

/**
 * Looks for tables of the package in the application's databases.
 */
class Tables
{
    /**
     * Create a new instance.
     */
    public function __construct(protected DatabaseManager $database)
    {
        //
    }

    /**
     * Look for the table that the inbox or the outbox uses.
     *
     * @param  string  $use  "inbox" or "outbox"
     * @param  string|null  $connection  null for the default one
     * @param  string  $consequence  what does not work without the table
     */
    public function look(string $use, ?string $connection, string $table, string $consequence): Finding
    {
        try {
            $there = $this->database->connection($connection)->getSchemaBuilder()->hasTable($table);
        } catch (Throwable $e) {
            return Finding::fail(
                "The database of the {$use} does not answer: ".rtrim(($e->getPrevious() ?? $e)->getMessage(), '.').'.',
                'Start it, or correct the connection in config/database.php and config/hms-sync.php.'
            );
        }

        return $there
            ? Finding::ok("The table [{$table}] is there.")
            : Finding::fail("The table [{$table}] is missing: {$consequence}.", "Run [php artisan hms-sync:install --{$use} --migrate].");
    }

    /**
     * Determine whether a table that is there has a column.
     */
    public function hasColumn(string $connection, string $table, string $column): bool
    {
        return $this->database->connection($connection)->getSchemaBuilder()->hasColumn($table, $column);
    }
}
