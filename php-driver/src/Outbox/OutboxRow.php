<?php

namespace HmsSync\Outbox;

/**
 * One broadcast in the outbox.
 */
class OutboxRow
{
    /**
     * The fields that an entry does not have when they are empty.
     */
    protected const OPTIONAL = ['origin', 'version'];

    /**
     * Create a new instance.
     *
     * @param  array<string, string>  $fields  the intake entry
     * @param  string  $redis  the Redis connection that leads to the bus
     * @param  list<string>  $forward  the broadcast connections that get it when the bus has it
     * @param  string|null  $socket  the browser that does not get it
     * @param  int  $attempts  how often Redis has refused it
     */
    public function __construct(
        public readonly int $id,
        public readonly array $fields,
        public readonly string $redis,
        public readonly string $key,
        public readonly array $forward,
        public readonly ?string $socket,
        public readonly int $attempts,
    ) {
        //
    }

    /**
     * Read a row of the table.
     */
    public static function of(object $row): self
    {
        $columns = (array) $row;

        return new self(
            (int) $columns['id'],
            array_filter([
                'id' => $columns['event_id'],
                'channels' => $columns['channels'],
                'event' => $columns['event'],
                'data' => $columns['data'],
                'time' => $columns['time'],
                'source' => $columns['source'],
                'timezone' => $columns['timezone'],
                'origin' => $columns['origin'],
                'version' => (string) ($columns['version'] ?? ''),
            ], fn (string $value, string $name) => $value !== '' || ! in_array($name, self::OPTIONAL, true), ARRAY_FILTER_USE_BOTH),
            $columns['redis'],
            $columns['order_key'],
            array_values(array_filter(explode(',', (string) $columns['forward']))),
            $columns['socket'],
            (int) $columns['attempts'],
        );
    }
}
