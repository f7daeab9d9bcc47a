<?php

namespace HmsSync\Tests\Listening;

use Psr\Log\AbstractLogger;
use Stringable;

/**
 * A log that the test reads.
 */
class RememberedLog extends AbstractLogger
{
    /** @var list<string> */
    public array $lines = [];

    public function log($level, string|Stringable $message, array $context = []): void
    {
        $this->lines[] = "{$level}: {$message}";
    }
}
