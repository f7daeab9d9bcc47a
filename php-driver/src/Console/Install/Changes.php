<?php

namespace HmsSync\Console\Install;

use Illuminate\Console\View\Components\Factory;
use Illuminate\Filesystem\Filesystem;

/**
 * What an installation did, kept and left to do, each said in one line.
 */
class Changes
{
    /**
     * How many things were changed.
     */
    protected int $count = 0;

    /**
     * What is left to do by hand.
     *
     * @var list<string>
     */
    protected array $left = [];

    /**
     * Create a new instance.
     */
    public function __construct(protected Filesystem $files, protected Factory $components, protected string $basePath)
    {
        //
    }

    /**
     * Write a file, its mode as before, and say so.
     */
    public function write(string $path, string $text, string $what): void
    {
        $this->files->ensureDirectoryExists(dirname($path));
        $this->files->replace($path, $text, $this->files->exists($path) ? fileperms($path) & 0777 : 0666 & ~umask());
        $this->changed($path, $what);
    }

    /**
     * Say that something was changed.
     */
    public function changed(string $path, string $what): void
    {
        $this->count++;
        $this->say($path, "<fg=green;options=bold>{$what}</>");
    }

    /**
     * Say that something stays as it is.
     */
    public function kept(string $path, string $why): void
    {
        $this->say($path, "<fg=gray>{$why}</>");
    }

    /**
     * Say that something is left to do by hand.
     */
    public function leave(string $path, string $why, string $remedy): void
    {
        $this->left[] = $remedy;
        $this->say($path, "<fg=yellow;options=bold>{$why}</>");
    }

    /**
     * Determine whether anything was changed.
     */
    public function any(): bool
    {
        return $this->count > 0;
    }

    /**
     * Get what is left to do by hand.
     *
     * @return list<string>
     */
    public function left(): array
    {
        return $this->left;
    }

    /**
     * Write one line.
     */
    protected function say(string $path, string $what): void
    {
        $this->components->twoColumnDetail(str_replace($this->basePath.'/', '', $path), $what);
    }
}
