<?php

namespace HmsSync\Tests\Listening;

use Closure;
use Illuminate\Contracts\Foundation\MaintenanceMode;

/**
 * An application in maintenance mode, or in it from a certain moment on.
 */
class Down implements MaintenanceMode
{
    /**
     * @param  (Closure(): bool)|null  $isDown  asked by the worker at the beginning of each turn
     */
    public function __construct(private ?Closure $isDown = null)
    {
        //
    }

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
        return $this->isDown === null || ($this->isDown)();
    }

    /**
     * @return array<string, mixed>
     */
    public function data(): array
    {
        return [];
    }
}
