<?php

namespace HmsSync\Tests\Inbound\Events;

use Carbon\CarbonImmutable;
use DateTimeInterface;
use HmsSync\Inbound\ListOf;

/**
 * An event with every kind of parameter.
 */
class Report
{
    /**
     * @param  array<array-key, mixed>  $extra
     * @param  list<Finding>  $findings
     * @param  list<int>  $numbers
     * @param  list<Urgency>  $urgencies
     * @param  list<DateTimeInterface>  $visits
     */
    public function __construct(
        public int $id = 1,
        public float $score = 0.5,
        public string $note = '',
        public bool $passed = true,
        public ?int $parent = null,
        public int|string|null $reference = null,
        public float|bool $measure = false,
        public mixed $anything = null,
        public array $extra = [],
        public Urgency $urgency = Urgency::Routine,
        public Floor $floor = Floor::Ground,
        public ?CarbonImmutable $at = null,
        public ?DateTimeInterface $until = null,
        public ?Finding $finding = null,
        #[ListOf(Finding::class)]
        public array $findings = [],
        #[ListOf('int')]
        public array $numbers = [],
        #[ListOf(Urgency::class)]
        public array $urgencies = [],
        #[ListOf(DateTimeInterface::class)]
        public array $visits = [],
    ) {
        //
    }
}
