<?php

namespace HmsSync\Tests\Listening;

use Illuminate\Contracts\Foundation\MaintenanceMode;

/**
 * An application in maintenance mode.
 */
class Down implements MaintenanceMode
{
    /**
     * @param  array<string, mixed>  $payload
     */
    public function activate(array $payload): void
    {
        //
    }

    public function deactivate(): void
    {
        //
    }

    public function active(): bool
    {
        return true;
    }

    /**
     * @return array<string, mixed>
     */
    public function data(): array
    {
        return [];
    }
}
