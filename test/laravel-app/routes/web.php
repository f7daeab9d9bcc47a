<?php

use Illuminate\Support\Facades\Route;

Route::get('/', fn () => ['application' => config('app.name')]);
