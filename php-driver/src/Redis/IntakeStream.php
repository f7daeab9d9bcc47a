<?php

namespace HmsSync\Redis;

use Illuminate\Broadcasting\BroadcastException;
use Illuminate\Contracts\Redis\Factory as Redis;
use Illuminate\Redis\Connections\Connection;
use Illuminate\Redis\Connections\PhpRedisClusterConnection;
use Illuminate\Redis\Connections\PhpRedisConnection;
use Illuminate\Redis\RedisManager;
use Illuminate\Support\Str;
use RuntimeException;
use Throwable;

/**
 * The Redis stream through which broadcasts reach the sidecar.
 */
class IntakeStream
{
    /**
     * The stream's key, written as it is: both clients leave raw commands alone, whatever prefix, serializer or
     * compression the connection has, so that sidecar and driver need not agree on any of them.
     */
    public const KEY = 'hms-sync:intake';

    /**
     * What phpredis hashes to find the node of a cluster. It adds the prefix even to raw commands here; the braces
     * keep the slot that of the key.
     */
    protected const CLUSTER_ROUTE = '{'.self::KEY.'}';

    /**
     * Create a new intake stream.
     */
    public function __construct(protected Redis $redis, protected string $connection)
    {
        //
    }

    /**
     * Append one entry and return the stream id that Redis gave it.
     *
     * @param  array<string, string>  $fields
     *
     * @throws \Illuminate\Broadcasting\BroadcastException when Redis did not confirm the entry
     */
    public function append(array $fields): string
    {
        $command = ['XADD', self::KEY, '*'];

        foreach ($fields as $name => $value) {
            array_push($command, $name, $value);
        }

        try {
            $connection = $this->redis->connection($this->connection);

            return $this->streamId($this->execute($connection, $command), $connection);
        } catch (Throwable $e) {
            throw $this->notStored($fields['event'], $e);
        }
    }

    /**
     * Send the command as raw as each client can.
     *
     * @param  list<string>  $command
     */
    protected function execute(Connection $connection, array $command): mixed
    {
        try {
            return match (true) {
                $connection instanceof PhpRedisClusterConnection => $connection->executeRaw([self::CLUSTER_ROUTE, ...$command]),
                $connection instanceof PhpRedisConnection => $connection->executeRaw($command),
                default => $connection->command('executeRaw', [$command]),
            };
        } catch (Throwable $e) {
            $this->forgetConnection();

            throw $e;
        }
    }

    /**
     * Have the next broadcast connect anew: a phpredis client that could not reconnect once fails again when Redis
     * is long back, which a worker would notice at its next event.
     */
    protected function forgetConnection(): void
    {
        if ($this->redis instanceof RedisManager) {
            $this->redis->purge($this->connection);
        }
    }

    /**
     * Take the reply only when it is a stream id. Anything else means that nothing was stored, or not yet: phpredis
     * answers an error with false, Predis with its text, and both answer inside MULTI without having run it.
     */
    protected function streamId(mixed $reply, Connection $connection): string
    {
        if (is_string($reply) && preg_match('/^\d+-\d+$/D', $reply)) {
            return $reply;
        }

        throw new RuntimeException('Redis answered '.$this->describe($reply, $connection).' instead of a stream id');
    }

    /**
     * Describe a reply that is no stream id.
     */
    protected function describe(mixed $reply, Connection $connection): string
    {
        if ($reply === false) {
            $reply = $connection->client()->getLastError() ?? 'false';
        }

        return is_scalar($reply) ? '['.Str::limit((string) $reply, 200).']' : get_debug_type($reply);
    }

    /**
     * Create the exception for an entry that Redis did not confirm.
     */
    protected function notStored(string $event, Throwable $cause): BroadcastException
    {
        return new BroadcastException(sprintf(
            'HMS-Sync: event [%s] was not stored in the stream [%s] over the Redis connection [%s]: %s. '.
            'Check that Redis is running and that [database.redis.%3$s] leads to the Redis of the sidecar; '.
            'then broadcast the event again.',
            $event, self::KEY, $this->connection, rtrim($cause->getMessage(), '.')
        ), 0, $cause);
    }
}
