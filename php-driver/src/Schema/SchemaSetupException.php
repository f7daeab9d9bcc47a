<?php

namespace HmsSync\Schema;

use RuntimeException;

/**
 * Broadcasts cannot be checked: a package, topics.yaml or a schema file is missing or cannot be read.
 */
class SchemaSetupException extends RuntimeException
{
    /**
     * Create the exception for packages that Composer has not installed.
     */
    public static function missingPackages(): self
    {
        return new self(
            'HMS-Sync: HMS_SYNC_TOPICS is set, but the packages that check broadcasts against their schemas are missing. '.
            'Run [composer require --dev opis/json-schema symfony/yaml], or remove HMS_SYNC_TOPICS.'
        );
    }

    /**
     * Create the exception for a file that is of no use.
     */
    public static function file(string $path, string $problem): self
    {
        return new self("HMS-Sync: {$path} {$problem}.");
    }
}
