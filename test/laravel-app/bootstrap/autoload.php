<?php

/*
| Laravel 12 is installed in vendor/, Laravel 11 in vendor-laravel11/. COMPOSER_VENDOR_DIR, the variable that Composer
| and Laravel's package discovery read as well, chooses between them. What Laravel caches about its packages stands
| apart for each.
*/

$vendor = rtrim(getenv('COMPOSER_VENDOR_DIR') ?: 'vendor', '/');
$path = $vendor[0] === '/' ? $vendor : dirname(__DIR__).'/'.$vendor;

if (! is_file($path.'/autoload.php')) {
    fwrite(STDERR, "The Laravel application is not installed in {$path}; run php ".dirname(__DIR__)."/bin/install.\n");
    exit(1);
}

foreach ([
    'COMPOSER_VENDOR_DIR' => $path,
    'APP_PACKAGES_CACHE' => 'bootstrap/cache/packages-'.basename($path).'.php',
    'APP_SERVICES_CACHE' => 'bootstrap/cache/services-'.basename($path).'.php',
] as $name => $value) {
    $_ENV[$name] = $_SERVER[$name] = $value;
    putenv("{$name}={$value}");
}

return require $path.'/autoload.php';
