<?php

return [

    'name' => env('APP_NAME', 'HMS'),

    'env' => env('APP_ENV', 'local'),

    'debug' => (bool) env('APP_DEBUG', true),

    // A fixed key for development, so that no .env file is needed. It protects nothing.
    'key' => env('APP_KEY', 'base64:aG1zLXN5bmMgZGVtbyBhcHBsaWNhdGlvbiBrZXkgMDA='),

    'timezone' => env('APP_TIMEZONE', 'UTC'),

];
