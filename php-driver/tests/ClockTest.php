<?php

namespace HmsSync\Tests;

use DateTimeImmutable;
use HmsSync\Broadcasting\Clock;
use Illuminate\Support\Facades\Date;
use PHPUnit\Framework\TestCase as PHPUnitTestCase;

class ClockTest extends PHPUnitTestCase
{
    protected function tearDown(): void
    {
        Date::setTestNow();
        date_default_timezone_set('UTC');
    }

    public function test_it_is_the_time_to_the_microsecond_also_when_a_second_is_over(): void
    {
        $clock = new Clock;
        $seconds = [];

        for ($end = microtime(true) + 1.1; microtime(true) < $end; usleep(500)) {
            $before = new DateTimeImmutable;
            $text = $clock->now();
            $after = new DateTimeImmutable;
            $time = new DateTimeImmutable($text);

            self::assertTrue($before <= $time && $time <= $after, $before->format('H:i:s.u').", {$text}, ".$after->format('H:i:s.u'));
            self::assertSame($time->format('Y-m-d\TH:i:s.uP'), $text);
            $seconds[$time->format('s')] = true;
        }

        self::assertGreaterThan(1, count($seconds));
    }

    public function test_another_time_zone_counts_at_once(): void
    {
        $clock = new Clock;

        foreach (['UTC' => '+00:00', 'Asia/Kolkata' => '+05:30', 'America/Phoenix' => '-07:00', 'Asia/Tokyo' => '+09:00'] as $timezone => $offset) {
            date_default_timezone_set($timezone);
            $text = $clock->now();

            self::assertStringEndsWith($offset, $text);
            self::assertLessThan(5, abs((new DateTimeImmutable($text))->getTimestamp() - time()));
        }
    }

    public function test_a_test_can_stop_it(): void
    {
        $clock = new Clock;
        $clock->now();

        Date::setTestNow('2024-04-23 15:02:11.000042');
        self::assertSame('2024-04-23T15:02:11.000042+00:00', $clock->now());

        Date::setTestNow();
        self::assertNotSame('2024', substr($clock->now(), 0, 4));
    }
}
