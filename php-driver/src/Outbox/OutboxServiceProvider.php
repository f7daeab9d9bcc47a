<?php

namespace HmsSync\Outbox;

use Illuminate\Support\ServiceProvider;

class OutboxServiceProvider extends ServiceProvider
{
    //
}
