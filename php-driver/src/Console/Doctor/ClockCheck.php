<?php

namespace HmsSync\Console\Doctor;

/**
 * Whether this machine and the sidecar's have the same time.
 */
class ClockCheck implements Check
{
    /**
     * Seconds that nobody notices.
     */
    protected const TOLERATED = 2.0;

    /**
     * Seconds beyond which times mean nothing any more.
     */
    protected const USELESS = 60.0;

    /**
     * Get the name by which the check is shown.
     */
    public function name(): string
    {
        return 'clock';
    }

    /**
     * Compare the clocks.
     */
    public function run(Examination $examination): Finding
    {
        if (($skew = $examination->skew) === null) {
            return Finding::skip('the sidecar did not say what time it is');
        }

        if (abs($skew) <= self::TOLERATED) {
            return Finding::ok('This clock and the sidecar\'s agree.');
        }

        return new Finding(
            abs($skew) > self::USELESS ? Status::Fail : Status::Warn,
            sprintf("The sidecar's clock is %.0f s %s this one: ", abs($skew), $skew > 0 ? 'ahead of' : 'behind').
            'the times of events and their replay windows are wrong by as much, and beyond 5 min signatures are refused.',
            'Let both machines keep time with NTP.'
        );
    }
}
