<?php

use HmsSync\Tests\Support\DatabaseServer;
use HmsSync\Tests\Support\RedisServer;
use HmsSync\Tests\Support\Sidecar;

/*
| The tests run inside the Laravel application of test/laravel-app, on the release of Laravel in whose vendor
| directory the phpunit that was called stands.
*/

putenv('COMPOSER_VENDOR_DIR='.dirname((string) realpath((string) constant('PHPUNIT_COMPOSER_INSTALL'))));

require __DIR__.'/../../test/laravel-app/bootstrap/autoload.php';

pcntl_async_signals(true);

foreach ([SIGINT, SIGTERM, SIGHUP] as $signal) {
    pcntl_signal($signal, fn () => exit(130));
}

register_shutdown_function(Sidecar::stopAll(...));
register_shutdown_function(RedisServer::stopAll(...));
register_shutdown_function(DatabaseServer::stopAll(...));
