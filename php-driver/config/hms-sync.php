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

    /*
    |--------------------------------------------------------------------------
    | Gateway of the bus
    |--------------------------------------------------------------------------
    |
    | Where hms-sync:listen and hms-sync:doctor find the sidecar, and the token
    | that "hms-sync keys create hms-api" printed. "consumer" is the name of
    | this application among the consumers in topics.yaml.
    |
    */

    'url' => env('HMS_SYNC_URL') ?: 'http://127.0.0.1:8480',

    'token' => env('HMS_SYNC_TOKEN'),

    'consumer' => env('HMS_SYNC_CONSUMER', env('HMS_SYNC_SOURCE', 'hms-api')),

    /*
    |--------------------------------------------------------------------------
    | Inbound events
    |--------------------------------------------------------------------------
    |
    | Which event class an external event of a topic becomes. Only the classes
    | listed here are ever built. A topic that is not listed fires
    | HmsSync\Events\EnvelopeReceived instead.
    |
    |   'inspections.rescheduled' => App\Events\InspectionRescheduled::class,
    |
    */

    'inbound' => [
        //
    ],

    /*
    |--------------------------------------------------------------------------
    | Inbox
    |--------------------------------------------------------------------------
    |
    | The table that makes an event of an exactly_once topic take effect once.
    | It must be on the database connection that your listeners write to; empty
    | means the default one. Rows are kept for at least this many days, and
    | never for less than an event's own replay window.
    |
    */

    'inbox' => [
        'connection' => env('HMS_SYNC_INBOX_CONNECTION'),
        'table' => 'hms_sync_inbox',
        'keep_days' => (int) env('HMS_SYNC_INBOX_KEEP_DAYS', 30),
    ],

    /*
    |--------------------------------------------------------------------------
    | Outbox
    |--------------------------------------------------------------------------
    |
    | When enabled, event() writes a broadcast into the outbox table inside your
    | own database transaction, and hms-sync:relay hands it to the bus after the
    | commit: no event without its commit, no commit without its event. Relayed
    | rows are kept for this many hours, so that a bus which lost its Redis can
    | be refilled. An application that writes to several databases names their
    | connections here; each needs the table. Empty means the default one.
    |
    */

    'outbox' => [
        'enabled' => (bool) env('HMS_SYNC_OUTBOX', false),
        'connections' => [],
        'table' => 'hms_sync_outbox',
        'keep_hours' => (int) env('HMS_SYNC_OUTBOX_KEEP_HOURS', 168),
        'relay_after_response' => (bool) env('HMS_SYNC_RELAY_AFTER_RESPONSE', true),
    ],

    /*
    |--------------------------------------------------------------------------
    | Forwarding
    |--------------------------------------------------------------------------
    |
    | Names of other broadcast connections (for example "reverb" or "pusher")
    | that get every broadcast too, so that browsers keep their events. When one
    | of them fails after the bus has the event, that is reported, not thrown.
    |
    */

    'forward' => array_filter(explode(',', (string) env('HMS_SYNC_FORWARD', ''))),

    /*
    |--------------------------------------------------------------------------
    | Schemas at the source
    |--------------------------------------------------------------------------
    |
    | With the path of the bus's topics.yaml, broadcasts are checked against
    | their topic's schema as they are made, in these environments only: your
    | own test suite then fails on an event that the bus would reject. Needs the
    | packages opis/json-schema and symfony/yaml.
    |
    */

    'schemas' => [
        'topics' => env('HMS_SYNC_TOPICS'),
        'environments' => ['local', 'testing'],
    ],

];
