<?php

namespace HmsSync\Inbox;

use Illuminate\Database\Connection;
use Illuminate\Database\DatabaseTransactionRecord;
use Illuminate\Database\DatabaseTransactionsManager;
use Throwable;

/**
 * A database transaction, or a savepoint inside one, that knows whether it is still the one that was begun.
 */
class HeldTransaction
{
    /**
     * Create a new instance.
     *
     * @param  int  $level  the level at which the transaction was begun
     * @param  \Illuminate\Database\DatabaseTransactionRecord|null  $record  what Laravel noted of its beginning, until its end
     */
    protected function __construct(
        protected Connection $connection,
        protected DatabaseTransactionsManager $transactions,
        protected int $level,
        protected ?DatabaseTransactionRecord $record,
    ) {
        //
    }

    /**
     * Begin a transaction.
     */
    public static function begin(Connection $connection, DatabaseTransactionsManager $transactions): self
    {
        $connection->beginTransaction();

        return new self($connection, $transactions, $connection->transactionLevel(), $transactions->getPendingTransactions()->last());
    }

    /**
     * Determine whether the transaction is open: Laravel has not ended it, though it may have begun another in its
     * place, and the database is in a transaction as well.
     */
    public function isOpen(): bool
    {
        return $this->isPending() && $this->connection->getPdo()->inTransaction();
    }

    /**
     * Commit the transaction.
     */
    public function commit(): void
    {
        $this->connection->commit();
    }

    /**
     * Roll back the transaction and those inside it. One that has ended is left alone.
     *
     * A rollback that fails is reported, so that it does not hide why there is one; closing the connection has the
     * database roll back.
     */
    public function rollBack(): void
    {
        try {
            $this->connection->rollBack($this->level - 1);
        } catch (Throwable $e) {
            $this->connection->disconnect();

            report($e);
        } finally {
            $this->forget();
        }
    }

    /**
     * Have Laravel forget a transaction that went with its connection, and what waited for its commit. What waits for
     * later commits would be added to it, and never run.
     */
    protected function forget(): void
    {
        if ($this->isPending()) {
            $this->transactions->rollback((string) $this->connection->getName(), $this->connection->transactionLevel());
        }
    }

    /**
     * Determine whether Laravel has noted no end of the transaction.
     */
    protected function isPending(): bool
    {
        return $this->transactions->getPendingTransactions()->containsStrict($this->record);
    }
}
