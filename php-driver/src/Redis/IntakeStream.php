<?php

namespace HmsSync\Redis;

use Illuminate\Broadcasting\BroadcastException;
use Illuminate\Contracts\Redis\Factory as Redis;
use Illuminate\Redis\Connections\Connection;
use Illuminate\Redis\Connections\PhpRedisClusterConnection;
use Illuminate\Redis\Connections\PhpRedisConnection;
use Illuminate\Redis\Connections\PredisClusterConnection;
use Illuminate\Redis\RedisManager;
use Illuminate\Support\Str;
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
     * Appends entries in their order and answers with their stream ids. ARGV: per entry how many arguments follow, then
     * its fields and values in turns.
     */
    protected const APPEND_ALL = <<<'LUA'
        local ids, at = {}, 1
        while at <= #ARGV do
          local last = at + tonumber(ARGV[at])
          ids[#ids + 1] = redis.call('XADD', KEYS[1], '*', unpack(ARGV, at + 1, last))
          at = last + 1
        end
        return ids
        LUA;

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
        try {
            $connection = $this->redis->connection($this->connection);

            $reply = $this->execute($connection, $this->command($fields));

            return $this->isStreamId($reply) ? $reply : throw $this->unexpected($reply, $connection);
        } catch (Throwable $e) {
            throw $this->notStored($fields['event'], $e);
        }
    }

    /**
     * Append entries in this order: with one command in one round trip, or one by one on Redis Cluster.
     *
     * @param  list<array<string, string>>  $entries
     *
     * @throws \Illuminate\Broadcasting\BroadcastException when Redis did not confirm all of them; the first ones may be
     *                                                      there
     */
    public function appendAll(array $entries): void
    {
        try {
            $connection = $this->redis->connection($this->connection);

            if (count($entries) < 2 || $this->isCluster($connection)) {
                array_map($this->append(...), $entries);

                return;
            }

            $reply = $this->execute($connection, $this->commandForAll($entries));

            if (! is_array($reply) || count(array_filter($reply, $this->isStreamId(...))) !== count($entries)) {
                throw $this->unexpected($reply, $connection);
            }
        } catch (BroadcastException $e) {
            throw $e;
        } catch (Throwable $e) {
            throw $this->notStored($entries[0]['event'], $e);
        }
    }

    /**
     * Determine whether Redis answers at all.
     */
    public function answers(): bool
    {
        try {
            $this->redis->connection($this->connection)->command('ping');

            return true;
        } catch (Throwable) {
            $this->forgetConnection();

            return false;
        }
    }

    /**
     * Make the command that appends an entry.
     *
     * @param  array<string, string>  $fields
     * @return non-empty-list<string>
     */
    protected function command(array $fields): array
    {
        $command = ['XADD', self::KEY, '*'];

        foreach ($fields as $name => $value) {
            $command[] = $name;
            $command[] = $value;
        }

        return $command;
    }

    /**
     * Make the command that appends all entries. It is a script, since phpredis waits its whole read timeout for each
     * reply of a pipeline that is missing: minutes, when Redis breaks off the connection.
     *
     * @param  list<array<string, string>>  $entries
     * @return non-empty-list<string>
     */
    protected function commandForAll(array $entries): array
    {
        $command = ['EVAL', self::APPEND_ALL, '1', self::KEY];

        foreach ($entries as $entry) {
            $fields = array_slice($this->command($entry), 3);
            array_push($command, (string) count($fields), ...$fields);
        }

        return $command;
    }

    /**
     * Determine whether a connection leads to a cluster, to which each client sends scripts in another way, or not.
     */
    protected function isCluster(Connection $connection): bool
    {
        return $connection instanceof PhpRedisClusterConnection || $connection instanceof PredisClusterConnection;
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
     * Determine whether a reply is a stream id. Anything else means that nothing was stored, or not yet: phpredis
     * answers an error with false, Predis with its text, and both answer inside MULTI without having run it.
     *
     * @phpstan-assert-if-true string $reply
     */
    protected function isStreamId(mixed $reply): bool
    {
        return is_string($reply) && preg_match('/^\d+-\d+$/D', $reply) === 1;
    }

    /**
     * Create the exception for a reply that is no stream id.
     */
    protected function unexpected(mixed $reply, Connection $connection): UnexpectedReply
    {
        return new UnexpectedReply('Redis answered '.$this->describe($reply, $connection).' instead of a stream id');
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
        $exception = BroadcastException::class;

        if ($this->isRefusal($cause)) {
            $exception = EntryRefused::class;
            $this->forgetConnection(); // Redis ends it after some of these errors
        }

        return new $exception(sprintf(
            'HMS-Sync: event [%s] was not stored in the stream [%s] over the Redis connection [%s]: %s. '.
            'Check that Redis is running and that [database.redis.%3$s] leads to the Redis of the sidecar; '.
            'then broadcast the event again.',
            $event, self::KEY, $this->connection, rtrim($cause->getMessage(), '.')
        ), 0, $cause);
    }

    /**
     * Determine whether the cause lies in the entry: the errors of Redis that are about the server or the stream begin
     * with a word of their own, as OOM, READONLY or WRONGTYPE do, with one exception.
     */
    protected function isRefusal(Throwable $cause): bool
    {
        return $cause instanceof UnexpectedReply
            && preg_match('/^Redis answered \[ERR (?!max number of clients)/', $cause->getMessage()) === 1;
    }
}
