<?php

namespace HmsSync\Inbound\Types;

use Carbon\CarbonImmutable;
use DateTime;
use DateTimeImmutable;
use DateTimeInterface;
use HmsSync\Inbound\Timestamp;

/**
 * A point in time, in the application's timezone.
 */
class DateType implements Type
{
    /**
     * Create a new type.
     *
     * @param  class-string<\DateTimeInterface>  $class  the class or interface that the parameter declares
     */
    public function __construct(protected string $class)
    {
        //
    }

    /**
     * Determine whether a parameter of this class or interface can be given a date.
     *
     * @param  class-string  $class
     *
     * @phpstan-assert-if-true class-string<\DateTimeInterface> $class
     */
    public static function takes(string $class): bool
    {
        return is_a($class, DateTimeInterface::class, true)
            && (is_a(CarbonImmutable::class, $class, true) || is_a($class, DateTime::class, true) || is_a($class, DateTimeImmutable::class, true));
    }

    /**
     * Take a date-time of RFC 3339.
     */
    public function accept(mixed $value, string $path): DateTimeInterface
    {
        $time = Timestamp::parse($value) ?? throw Mismatch::value($path, 'a date-time of RFC 3339', $value);
        $class = $this->class;

        return is_a($class, DateTime::class, true) || is_a($class, DateTimeImmutable::class, true)
            ? $class::createFromInterface($time)
            : $time;
    }
}
