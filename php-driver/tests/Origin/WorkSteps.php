<?php

namespace HmsSync\Tests\Origin;

use HmsSync\HmsSync;
use HmsSync\Tests\Fixtures\QueuedReading;
use HmsSync\Tests\Fixtures\Reading;
use Illuminate\Contracts\Queue\Job;
use RuntimeException;

/**
 * What the jobs of these tests do.
 */
class WorkSteps
{
    public static function broadcast(): void
    {
        event(new Reading);
    }

    public static function broadcastQueued(): void
    {
        event(new QueuedReading(1));
    }

    public static function dispatchAnother(): void
    {
        dispatch(new Work('broadcast'));
    }

    public static function fail(): void
    {
        throw new RuntimeException('try again');
    }

    public static function failFirst(Job $job): void
    {
        self::broadcast();

        if ($job->attempts() === 1) {
            self::fail();
        }
    }

    public static function nestAndFail(): void
    {
        self::broadcast();
        HmsSync::withoutOrigin(fn () => dispatch_sync(new Work('broadcast')));
        self::broadcast();

        try {
            dispatch_sync(new Work('fail'));
        } catch (RuntimeException) {
            self::broadcast();
        }
    }
}
