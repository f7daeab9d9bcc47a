<?php

namespace HmsSync\Console\Doctor;

use HmsSync\Console\Secrets;

/**
 * What one check found.
 */
class Finding
{
    /**
     * Create a new finding.
     *
     * @param  string  $message  what was found, as a sentence
     * @param  string  $remedy  what to do about it, as sentences; empty when nothing
     */
    public function __construct(
        public readonly Status $status,
        public readonly string $message,
        public readonly string $remedy = '',
    ) {
        //
    }

    /**
     * Create the finding of a check that passed.
     */
    public static function ok(string $message): self
    {
        return new self(Status::Ok, $message);
    }

    /**
     * Create the finding of something that works, but not as it should in production.
     */
    public static function warn(string $message, string $remedy): self
    {
        return new self(Status::Warn, $message, $remedy);
    }

    /**
     * Create the finding of something that does not work.
     */
    public static function fail(string $message, string $remedy): self
    {
        return new self(Status::Fail, $message, $remedy);
    }

    /**
     * Create the finding of a check that needs what another one found missing.
     */
    public static function skip(string $reason): self
    {
        return new self(Status::Skip, "Not checked: {$reason}.");
    }

    /**
     * Get this finding without secrets.
     */
    public function without(Secrets $secrets): self
    {
        return new self($this->status, $secrets->removeFrom($this->message), $secrets->removeFrom($this->remedy));
    }
}
