<?php

namespace HmsSync\Outbox;

use HmsSync\Broadcasting\Forwarding;
use HmsSync\Redis\EntryRefused;
use HmsSync\Redis\IntakeStream;
use HmsSync\Redis\UnexpectedReply;
use Throwable;

/**
 * Rows that are sent to one Redis together, and how that went.
 */
class RelayBatch
{
    /**
     * How many rows the bus has got.
     */
    public int $sent = 0;

    /**
     * How many rows Redis has refused.
     */
    public int $refused = 0;

    /**
     * Why the rest was not sent.
     */
    public ?Throwable $failure = null;

    /**
     * Create a new instance.
     */
    public function __construct(protected OutboxTable $table, protected IntakeStream $stream, protected Forwarding $forwarding)
    {
        //
    }

    /**
     * Send the rows: all with one command, or, when that fails, one by one to find out which of them it is. What the bus
     * had got of them by then it takes once.
     *
     * @param  non-empty-list<OutboxRow>  $rows
     */
    public function send(array $rows): void
    {
        try {
            $this->stream->appendAll(array_map(fn (OutboxRow $row) => $row->fields, $rows));
        } catch (Throwable) {
            $this->sendEach($rows);

            return;
        }

        $this->mark($rows);
    }

    /**
     * Send the rows one by one, and none of a key of which one was refused.
     *
     * @param  non-empty-list<OutboxRow>  $rows
     */
    protected function sendEach(array $rows): void
    {
        $sent = $held = [];

        foreach ($rows as $row) {
            if (isset($held[$row->key])) {
                continue;
            }

            try {
                $this->stream->append($row->fields);
                $sent[] = $row;
            } catch (Throwable $e) {
                if (! $this->isRefused($e)) {
                    $this->failure = $e;

                    break;
                }

                $held[$row->key] = true;
                $this->refuse($row, $e);
            }
        }

        $this->mark($sent);
    }

    /**
     * Determine whether the row is why it could not be sent: Redis said so, or broke off the connection over it and
     * answers on a new one.
     */
    protected function isRefused(Throwable $e): bool
    {
        return $e instanceof EntryRefused
            || (! $e->getPrevious() instanceof UnexpectedReply && $this->stream->answers());
    }

    /**
     * Mark what the bus has got, and hand it on.
     *
     * @param  list<OutboxRow>  $rows
     */
    protected function mark(array $rows): void
    {
        if ($rows !== []) {
            $this->table->markRelayed(array_map(fn (OutboxRow $row) => $row->id, $rows));
            $this->sent += count($rows);
            $this->forwarding->rows($rows);
        }
    }

    /**
     * Hold back the key of a row that Redis refused.
     */
    protected function refuse(OutboxRow $row, Throwable $e): void
    {
        $this->table->holdBack($row, $e->getMessage());
        $this->refused++;

        report($e);
    }
}
