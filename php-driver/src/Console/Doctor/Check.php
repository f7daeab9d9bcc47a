<?php

namespace HmsSync\Console\Doctor;

/**
 * One thing that has to be right before events go through.
 */
interface Check
{
    /**
     * Get the name by which the check is shown.
     */
    public function name(): string;

    /**
     * Look, and note in the examination what later checks build on.
     */
    public function run(Examination $examination): Finding;
}
