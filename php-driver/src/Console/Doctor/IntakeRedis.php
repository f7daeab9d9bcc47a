<?php

namespace HmsSync\Console\Doctor;

use HmsSync\Redis\IntakeStream;
use RuntimeException;

/**
 * The intake stream as one looks at it from outside.
 */
class IntakeRedis extends IntakeStream
{
    /**
     * Make sure that Redis would take an entry, without writing one: XADD with the id 0-0 is refused only after Redis
     * has made sure that this user may write this key, that it is no replica, that memory is left and the disk works.
     *
     * @throws \Throwable when it would not
     */
    public function ensureWritable(): void
    {
        $connection = $this->redis->connection($this->connection);
        $answer = $this->describe($this->execute($connection, ['XADD', self::KEY, '0-0', 'doctor', '1']), $connection);

        if (! str_contains($answer, 'greater than 0-0')) {
            throw new RuntimeException('Redis answered '.$answer);
        }
    }

    /**
     * Determine whether anybody has ever read the stream in this Redis.
     */
    public function isRead(): bool
    {
        $groups = $this->execute($this->redis->connection($this->connection), ['XINFO', 'GROUPS', self::KEY]);

        return is_array($groups) && $groups !== [];
    }

    /**
     * Remove an entry that nobody has read.
     */
    public function remove(string $streamId): void
    {
        $this->execute($this->redis->connection($this->connection), ['XDEL', self::KEY, $streamId]);
    }
}
