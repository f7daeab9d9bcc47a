<?php

namespace HmsSync\Inbound;

use Illuminate\Support\ServiceProvider;

class InboundServiceProvider extends ServiceProvider
{
    //
}
