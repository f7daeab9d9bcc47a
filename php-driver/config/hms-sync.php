<?php

return [

    /*
    |--------------------------------------------------------------------------
    | Source
    |--------------------------------------------------------------------------
    |
    | The name of this application on the bus. Every event carries it as its
    | "source", and topics.yaml lists it among the producers of each topic that
    | this application may write to. An event from a source that is not listed
    | there is kept as a reject and reaches nobody.
    |
    */

    'source' => env('HMS_SYNC_SOURCE', 'hms-api'),

    /*
    |--------------------------------------------------------------------------
    | Redis of the bus
    |--------------------------------------------------------------------------
    |
    | Leave this empty when the sidecar uses the same Redis as this application:
    | the driver then opens a connection of its own with the settings of your
    | "default" Redis connection, so that a MULTI or a pipeline of yours never
    | holds up a broadcast. Give the address here when the bus has another
    | Redis, for example redis://127.0.0.1:6380 for the one that the sidecar
    | starts by itself, or rediss://user:password@host:6380/0 for one with TLS.
    |
    | For anything a URL cannot say (Sentinel, Cluster, certificates), define a
    | connection named "hms-sync" under "redis" in config/database.php. It wins
    | over this line. The key written is always "hms-sync:intake": no prefix,
    | serializer or compression of a connection applies to it.
    |
    */

    'redis_url' => env('HMS_SYNC_REDIS_URL'),

];
