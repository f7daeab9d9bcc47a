<?php

namespace HmsSync\Outbox;

use Illuminate\Contracts\Database\Query\Expression;
use Illuminate\Database\Connection;
use Illuminate\Database\Query\Builder;
use Illuminate\Database\Query\Expression as Raw;
use Illuminate\Support\Str;

/**
 * What keeps several relays from sending the same rows. Its time is that of the database, so that the clocks of several
 * machines need not agree; the lease of a relay that was killed runs out.
 *
 * It saves work and is not needed for what is promised: two relays that both believed to have it would send the same
 * rows in the same order, and the bus takes each id once.
 */
class RelayLease
{
    /**
     * The row's name.
     */
    protected const NAME = 'relay';

    /**
     * How long a relay has the lease, in milliseconds. It renews it between batches.
     */
    public const MILLISECONDS = 15_000;

    /**
     * Who has this lease.
     */
    protected string $owner;

    /**
     * When it was taken or renewed, by the clock that only this process reads, in nanoseconds.
     */
    protected int $since = 0;

    /**
     * Create a new instance.
     */
    public function __construct(protected Connection $connection, protected string $table)
    {
        $this->owner = Str::limit(gethostname() ?: 'unknown', 40, '').':'.bin2hex(random_bytes(8));
    }

    /**
     * Take the lease unless another relay has it.
     */
    public function acquire(): bool
    {
        if ($this->take()) {
            return true;
        }

        if ($this->row()->useWritePdo()->exists()) {
            return false;
        }

        $this->connection->table($this->table)->insertOrIgnore(['name' => self::NAME, 'owner' => '', 'until' => 0]);

        return $this->take();
    }

    /**
     * Keep the lease, which is no work as long as most of it is left; answer false when it had run out and another
     * relay took it.
     */
    public function renew(): bool
    {
        if ($this->since > 0 && hrtime(true) - $this->since < self::MILLISECONDS * 1_000_000 / 3) {
            return true;
        }

        $this->since = (int) hrtime(true);
        $this->row()->where('owner', $this->owner)->update(['until' => $this->in(self::MILLISECONDS)]);

        return $this->row()->useWritePdo()->value('owner') === $this->owner;
    }

    /**
     * Give the lease back, to be taken by anybody after so many milliseconds.
     */
    public function release(int $after = 0): void
    {
        $this->row()->where('owner', $this->owner)->update(['owner' => '', 'until' => $this->in($after)]);
    }

    /**
     * Take the lease when nobody has it or it has run out, or when it ends later than any does: the clock that it was
     * taken by has been set back.
     *
     * @phpstan-impure
     */
    protected function take(): bool
    {
        $now = (int) hrtime(true);

        $free = fn (Builder $query) => $query->where('until', '<=', $this->in(0))->orWhere('until', '>', $this->in(self::MILLISECONDS));

        $taken = $this->row()->where($free)->update([
            'owner' => $this->owner, 'until' => $this->in(self::MILLISECONDS),
        ]) === 1;

        $this->since = $taken ? $now : 0;

        return $taken;
    }

    /**
     * Get a query for the row.
     */
    protected function row(): Builder
    {
        return $this->connection->table($this->table)->where('name', self::NAME);
    }

    /**
     * Get an expression for so many milliseconds from now.
     */
    protected function in(int $milliseconds): Expression
    {
        $now = match ($driver = $this->connection->getDriverName()) {
            'mysql', 'mariadb' => 'cast(unix_timestamp(now(3)) * 1000 as signed)',
            'pgsql' => 'cast(extract(epoch from clock_timestamp()) * 1000 as bigint)',
            'sqlite' => "cast((julianday('now') - 2440587.5) * 86400000 as integer)",
            default => throw OutboxException::unknownDriver($driver, (string) $this->connection->getName()),
        };

        return new Raw("{$now} + {$milliseconds}");
    }
}
