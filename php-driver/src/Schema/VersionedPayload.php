<?php

namespace HmsSync\Schema;

/**
 * A payload for one topic, and the version of the topic's schema that it follows.
 */
class VersionedPayload
{
    /**
     * Create a new instance.
     *
     * @param  string  $json  JSON text of the payload
     * @param  int|null  $version  null when the event states none and schemas are not checked
     */
    public function __construct(public readonly string $json, public readonly ?int $version)
    {
        //
    }
}
