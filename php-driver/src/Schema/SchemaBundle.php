<?php

namespace HmsSync\Schema;

use JsonException;
use stdClass;

/**
 * Reads a schema file together with every file it refers to, as one schema whose references are all local: the files
 * stand under "$defs", as the sidecar bundles them.
 */
class SchemaBundle
{
    /**
     * The files that are referred to and not copied yet.
     *
     * @var list<string>
     */
    protected array $waiting = [];

    /**
     * The files copied or waiting.
     *
     * @var array<string, true>
     */
    protected array $seen = [];

    /**
     * The file at the root of the bundle.
     */
    protected string $root = '';

    /**
     * Create a new instance for the directory that holds topics.yaml and schemas/.
     */
    public function __construct(protected string $directory)
    {
        //
    }

    /**
     * Get the bundle of one file, named by its path relative to topics.yaml.
     *
     * @throws SchemaSetupException
     */
    public function of(string $file): stdClass
    {
        $this->root = $file;
        $this->seen = [$file => true];
        $bundle = $this->copy($file);

        while ($next = array_shift($this->waiting)) {
            $bundle->{'$defs'} ??= new stdClass;
            $bundle->{'$defs'}->{$next} = $this->copy($next);
        }

        return $bundle;
    }

    /**
     * Read a file and turn its references to other files into local ones.
     */
    protected function copy(string $file): stdClass
    {
        $schema = $this->read($file);

        unset($schema->{'$schema'});

        foreach (Subschemas::all($schema) as $inner) {
            if ($inner instanceof stdClass && is_string($inner->{'$ref'} ?? null)) {
                $inner->{'$ref'} = $this->localReference($inner->{'$ref'}, $file);
            }
        }

        return $schema;
    }

    /**
     * Read a file.
     */
    protected function read(string $file): stdClass
    {
        $path = $this->directory.'/'.$file;

        if (! is_file($path)) {
            throw SchemaSetupException::file($path, 'is missing. Create it, or correct the version in topics.yaml');
        }

        try {
            $schema = json_decode((string) file_get_contents($path), flags: JSON_THROW_ON_ERROR);
        } catch (JsonException $e) {
            throw SchemaSetupException::file($path, 'is not JSON: '.$e->getMessage().'. Correct it');
        }

        return $schema instanceof stdClass ? $schema : throw SchemaSetupException::file(
            $path, 'is not a JSON object. Write a JSON Schema with type, properties and required'
        );
    }

    /**
     * Get the local form of a reference that stands in a file.
     */
    protected function localReference(string $reference, string $file): string
    {
        [$target, $fragment] = array_pad(explode('#', $reference, 2), 2, '');
        $named = $target === '' ? $file : $this->resolve(dirname($file).'/'.$target);

        if (! str_starts_with($named, 'schemas/')) {
            throw SchemaSetupException::file(
                $this->directory.'/'.$file, "refers to [{$reference}], which leads out of schemas/. Refer to a file inside it"
            );
        }

        if ($named === $this->root) {
            return '#'.$fragment;
        }

        if (! isset($this->seen[$named])) {
            $this->seen[$named] = true;
            $this->waiting[] = $named;
        }

        return '#/$defs/'.str_replace(['~', '/'], ['~0', '~1'], $named).$fragment;
    }

    /**
     * Take "." and ".." out of a path.
     */
    protected function resolve(string $path): string
    {
        $resolved = [];

        foreach (explode('/', $path) as $segment) {
            if ($segment === '..') {
                array_pop($resolved);
            } elseif ($segment !== '.' && $segment !== '') {
                $resolved[] = $segment;
            }
        }

        return implode('/', $resolved);
    }
}
