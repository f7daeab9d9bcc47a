<?php

namespace HmsSync\Listening;

use Illuminate\Support\ServiceProvider;

class ListeningServiceProvider extends ServiceProvider
{
    //
}
