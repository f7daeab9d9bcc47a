<?php

namespace HmsSync\Console\Install;

use Illuminate\Filesystem\Filesystem;
use Illuminate\Support\ServiceProvider;
use LogicException;

/**
 * One migration that the package offers for publishing. The copy keeps its name, so that Laravel runs it in place of
 * the one that the package loads itself.
 */
class Migration
{
    /**
     * Create a new instance.
     *
     * @param  string  $table  the table it creates
     */
    public function __construct(protected Filesystem $files, protected string $table)
    {
        //
    }

    /**
     * Get the path of the application's copy, null when it has none.
     */
    public function published(string $directory): ?string
    {
        return $this->files->glob("{$directory}/*_{$this->name()}")[0] ?? null;
    }

    /**
     * Copy it into the application's migrations and return the path of the copy.
     */
    public function publishTo(string $directory): string
    {
        $path = $directory.'/'.basename($this->source());

        $this->files->ensureDirectoryExists($directory);
        $this->files->copy($this->source(), $path);

        return $path;
    }

    /**
     * Get the name of the file without its date.
     */
    protected function name(): string
    {
        return (string) preg_replace('/^\d{4}_\d\d_\d\d_\d{6}_/', '', basename($this->source()));
    }

    /**
     * Get the path of the file among those that the package's providers offer.
     */
    protected function source(): string
    {
        foreach (array_keys(ServiceProvider::pathsToPublish()) as $path) {
            foreach (is_dir($path) ? $this->files->glob($path.'/*.php') : [$path] as $file) {
                if (str_contains(basename($file), $this->table)) {
                    return $file;
                }
            }
        }

        throw new LogicException("HMS-Sync: no provider offers a migration of the table [{$this->table}] for publishing.");
    }
}
