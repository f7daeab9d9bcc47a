<?php

namespace HmsSync\Schema;

/**
 * A channel as the bus reads its name: the topic without the prefix that says who may listen.
 */
class Channel
{
    /**
     * Create a new channel.
     */
    protected function __construct(public readonly string $topic, public readonly bool $encrypted)
    {
        //
    }

    /**
     * Read the name that Laravel's formatChannels() gives.
     */
    public static function named(string $channel): self
    {
        foreach (['private-encrypted-', 'private-', 'presence-'] as $prefix) {
            if (str_starts_with($channel, $prefix)) {
                return new self(substr($channel, strlen($prefix)), $prefix === 'private-encrypted-');
            }
        }

        return new self($channel, false);
    }
}
