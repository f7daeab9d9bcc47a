<?php

namespace HmsSync\Tests\Inbound;

use Carbon\CarbonImmutable;
use Closure;
use DateTimeInterface;
use HmsSync\Events\EnvelopeReceived;
use HmsSync\Inbound\Envelope;
use HmsSync\Inbound\InboundEvents;
use HmsSync\Inbound\InboundSetupException;
use HmsSync\Inbound\ListOf;
use HmsSync\Inbound\Types\TypeReader;
use HmsSync\Inbound\Undeliverable;
use HmsSync\Tests\Inbound\Events\Finding;
use HmsSync\Tests\Inbound\Events\Floor;
use HmsSync\Tests\Inbound\Events\Report;
use HmsSync\Tests\Inbound\Events\Required;
use HmsSync\Tests\Inbound\Events\SelfBuilt;
use HmsSync\Tests\Inbound\Events\Urgency;
use Illuminate\Config\Repository;
use Illuminate\Database\Eloquent\Model;
use Illuminate\Support\Carbon;
use Illuminate\Support\Collection;
use InvalidArgumentException;
use Iterator;
use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\TestCase;
use SplFileObject;
use Stringable;
use UnitEnum;

class InboundEventsTest extends TestCase
{
    public function test_a_topic_that_is_not_listed_becomes_the_generic_event(): void
    {
        $event = $this->make(null, '{"a":1}');

        self::assertInstanceOf(EnvelopeReceived::class, $event);
        self::assertSame(['a' => 1], $event->envelope->payload);
    }

    public function test_a_class_is_built_from_the_payload_by_name(): void
    {
        $event = $this->report(<<<'JSON'
            {"findings":[{"code":"a"},{"code":"b","urgency":"urgent","cause":{"code":"c"}}], "numbers":[3,1], "urgencies":["urgent"],
             "visits":["2024-04-23T15:02:11Z"], "finding":{"code":"d","unknown":1}, "at":"2024-04-23T15:02:11.25Z", "until":"2024-04-23T17:02:11+02:00",
             "floor":1, "urgency":"urgent", "extra":{"k":[1,{}]}, "anything":[1], "measure":1.5, "reference":"r", "parent":7, "passed":false,
             "note":"n", "score":2, "id":42, "unknown":"ignored"}
            JSON);

        self::assertSame([42, 2.0, 'n', false, 7, 'r', 1.5], [
            $event->id, $event->score, $event->note, $event->passed, $event->parent, $event->reference, $event->measure,
        ]);
        self::assertSame([[1], ['k' => [1, []]]], [$event->anything, $event->extra]);
        self::assertSame([Urgency::Urgent, Floor::First], [$event->urgency, $event->floor]);
        self::assertSame('2024-04-23T15:02:11.250000Z', $event->at?->toISOString());
        self::assertInstanceOf(CarbonImmutable::class, $event->until);
        self::assertSame(1713884531, $event->until->getTimestamp());
        self::assertEquals(new Finding('d'), $event->finding);
        self::assertEquals([new Finding('a'), new Finding('b', Urgency::Urgent, new Finding('c'))], $event->findings);
        self::assertSame([[3, 1], [Urgency::Urgent]], [$event->numbers, $event->urgencies]);
        self::assertSame(1713884531, $event->visits[0]->getTimestamp());
    }

    public function test_a_field_that_is_missing_has_the_default_or_is_null(): void
    {
        $event = $this->make(Required::class, '{"id":1,"finding":{"code":"a"}}');

        self::assertEquals(new Required(1, null, new Finding('a')), $event);
        self::assertEquals(new Report, $this->report('{}'));
    }

    public function test_dates_are_in_the_timezone_of_the_application(): void
    {
        $before = date_default_timezone_get();
        date_default_timezone_set('America/Chicago');

        try {
            self::assertSame('2024-04-23 10:02:11', $this->report('{"at":"2024-04-23T17:02:11+02:00"}')->at?->format('Y-m-d H:i:s'));
        } finally {
            date_default_timezone_set($before);
        }
    }

    public function test_a_class_may_build_itself(): void
    {
        $event = $this->make(SelfBuilt::class, '{"inspection_id":42}');

        self::assertInstanceOf(SelfBuilt::class, $event);
        self::assertSame('city-health says 42', $event->said);
    }

    #[DataProvider('misfits')]
    public function test_a_payload_that_does_not_fit_can_never_be_handled(string $payload, string $reason): void
    {
        $message = $this->undeliverable(Report::class, $payload);

        self::assertSame('HMS-Sync: an event of topic [agency.notices] cannot become ['.Report::class."]: {$reason}.", $message);
    }

    /**
     * @return iterable<string, array{string, string}>
     */
    public static function misfits(): iterable
    {
        yield 'digits for int' => ['{"id":"42"}', 'field id: expected int, got string'];
        yield 'float for int' => ['{"id":42.0}', 'field id: expected int, got float'];
        yield 'exponent for int' => ['{"id":1e3}', 'field id: expected int, got float'];
        yield 'bool for int' => ['{"id":true}', 'field id: expected int, got bool'];
        yield 'null for int' => ['{"id":null}', 'field id: expected int, got null'];
        yield '2^63 for int' => ['{"id":9223372036854775808}', 'field id: expected int, got a number beyond 64 bits'];
        yield '-2^63-1 for int' => ['{"id":-9223372036854775809}', 'field id: expected int, got a number beyond 64 bits'];
        yield 'digits for float' => ['{"score":"0.5"}', 'field score: expected float, got string'];
        yield 'int for string' => ['{"note":5}', 'field note: expected string, got int'];
        yield 'list for string' => ['{"note":["a"]}', 'field note: expected string, got array'];
        yield 'int for bool' => ['{"passed":1}', 'field passed: expected bool, got int'];
        yield 'empty for bool' => ['{"passed":""}', 'field passed: expected bool, got string'];
        yield 'text for array' => ['{"extra":"a"}', 'field extra: expected array, got string'];
        yield 'text for a union' => ['{"measure":"1"}', 'field measure: expected float or bool, got string'];
        yield 'unknown enum value' => ['{"urgency":"secret"}', 'field urgency: expected one of "routine", "urgent", got string'];
        yield 'name of a case' => ['{"urgency":"Urgent"}', 'field urgency: expected one of "routine", "urgent", got string'];
        yield 'digits for an enum of int' => ['{"floor":"1"}', 'field floor: expected one of 0, 1, got string'];
        yield 'bool for an enum of int' => ['{"floor":true}', 'field floor: expected one of 0, 1, got bool'];
        yield 'object for an enum' => ['{"urgency":{"value":"urgent"}}', 'field urgency: expected one of "routine", "urgent", got object'];
        yield 'text for an object' => ['{"finding":"secret"}', 'field finding: expected object, got string'];
        yield 'list for an object' => ['{"finding":["secret"]}', 'field finding: expected object, got array'];
        yield 'serialized object' => ['{"finding":"O:8:\"stdClass\":0:{}"}', 'field finding: expected object, got string'];
        yield 'missing inside' => ['{"finding":{}}', 'field finding.code is missing'];
        yield 'misfit inside' => ['{"finding":{"code":"a","cause":{"code":1}}}', 'field finding.cause.code: expected string, got int'];
        yield 'object for a list' => ['{"findings":{"code":"a"}}', 'field findings: expected array, got object'];
        yield 'misfit in a list' => ['{"findings":[{"code":"a"},{"code":"b","urgency":"x"}]}', 'field findings[1].urgency: expected one of "routine", "urgent", got string'];
        yield 'null in a list' => ['{"numbers":[1,null]}', 'field numbers[1]: expected int, got null'];
        yield 'text in a list of dates' => ['{"visits":["now"]}', 'field visits[0]: expected a date-time of RFC 3339, got string'];
    }

    #[DataProvider('noDates')]
    public function test_only_date_times_of_rfc_3339_are_dates(string $value): void
    {
        self::assertStringContainsString('field at: expected a date-time of RFC 3339', $this->undeliverable(Report::class, "{\"at\":{$value}}"));
    }

    /**
     * @return iterable<string, array{string}>
     */
    public static function noDates(): iterable
    {
        yield 'relative' => ['"tomorrow"'];
        yield 'local' => ['"2024-04-23T15:02:11"'];
        yield 'of a database' => ['"2024-04-23 15:02:11Z"'];
        yield 'date' => ['"2024-04-23"'];
        yield 'timestamp' => ['1713884531'];
        yield 'no such day' => ['"2023-02-29T00:00:00Z"'];
        yield 'no such hour' => ['"2024-04-23T24:00:00Z"'];
        yield 'offset without colon' => ['"2024-04-23T15:02:11+0200"'];
        yield 'name of a timezone' => ['"2024-04-23T15:02:11 Europe/Paris"'];
        yield 'line break' => ['"2024-04-23T15:02:11Z\n"'];
        yield 'object of Carbon' => ['{"date":"2024-04-23 15:02:11.000000","timezone_type":3,"timezone":"UTC"}'];
    }

    public function test_a_required_field_that_is_missing_is_named(): void
    {
        self::assertStringContainsString('field id is missing', $this->undeliverable(Required::class, '{"finding":{"code":"a"}}'));
        self::assertStringContainsString('field finding is missing', $this->undeliverable(Required::class, '{"id":1}'));
        self::assertStringContainsString('no inspection_id', $this->undeliverable(SelfBuilt::class, '{}'));
    }

    public function test_names_of_classes_and_serialized_objects_in_a_payload_are_texts(): void
    {
        $file = SplFileObject::class;

        $event = $this->report('{"note":"O:8:\"stdClass\":0:{}","extra":{"__class":"'.addslashes($file).'"},"anything":{"class":"'.addslashes($file).'"},"class":"'.addslashes($file).'"}');

        self::assertSame('O:8:"stdClass":0:{}', $event->note);
        self::assertSame(['__class' => $file], $event->extra);
        self::assertSame(['class' => $file], $event->anything);
    }

    public function test_what_a_constructor_throws_is_worth_another_attempt(): void
    {
        $this->expectExceptionObject(new InvalidArgumentException('not today'));

        $this->make(Refusing::class, '{}');
    }

    #[DataProvider('mistakes')]
    public function test_a_class_that_no_payload_can_build_is_a_mistake_of_the_application(mixed $class, string $reason): void
    {
        $inbound = $this->inbound($class);
        $messages = [];

        foreach ([fn () => $inbound->verify(), fn () => $inbound->make($this->envelope('{"id":1}')), fn () => $inbound->verify()] as $attempt) {
            try {
                $attempt();
                self::fail('the mistake was not found');
            } catch (InboundSetupException $e) {
                $messages[] = $e->getMessage();
            }
        }

        self::assertCount(1, array_unique($messages));
        self::assertStringStartsWith("HMS-Sync: config/hms-sync.php: 'inbound': 'agency.notices': ", $messages[0]);
        self::assertStringContainsString($reason, $messages[0]);
    }

    /**
     * @return iterable<string, array{mixed, string}>
     */
    public static function mistakes(): iterable
    {
        yield 'no class' => ['App\Events\Missing', '[App\Events\Missing] is not the name of a class'];
        yield 'no text' => [[Report::class], 'array is not the name of a class'];
        yield 'an interface' => [DateTimeInterface::class, 'is not the name of a class'];
        yield 'an abstract class' => [AbstractEvent::class, 'is abstract'];
        yield 'a class of PHP' => [SplFileObject::class, 'is a class of PHP'];
        yield 'a private constructor' => [Hidden::class, 'no public constructor'];
        yield 'a parameter of an interface' => [TakesInterface::class, 'the parameter $said of ['.TakesInterface::class.'] cannot be taken from a payload'];
        yield 'a parameter of a class of PHP' => [TakesFile::class, '$file'];
        yield 'a closure' => [TakesClosure::class, '$do'];
        yield 'a callable' => [TakesCallable::class, 'the type callable is not supported'];
        yield 'a model' => [TakesModel::class, 'is a model'];
        yield 'a collection' => [TakesCollection::class, 'is a collection'];
        yield 'a class that does not exist' => [TakesMissing::class, 'does not exist'];
        yield 'an enum without values' => [TakesPlainEnum::class, 'has no values'];
        yield 'a union with a class' => [TakesUnion::class, 'a union may hold'];
        yield 'an intersection' => [TakesIntersection::class, 'is not supported'];
        yield 'variadic' => [TakesVariadic::class, 'variadic'];
        yield 'a list that is no array' => [TakesWrongList::class, 'is no array'];
        yield 'a list of what does not exist' => [TakesListOfMissing::class, 'does not exist'];
        yield 'deeper down' => [TakesNested::class, 'the parameter $nested of ['.TakesNested::class.'] cannot be taken from a payload: the parameter $file'];
    }

    public function test_a_list_without_mistakes_passes(): void
    {
        (new InboundEvents(new Repository(['hms-sync' => ['inbound' => [
            'a' => Report::class, 'b' => Required::class, 'c' => SelfBuilt::class, 'd' => '\\'.Report::class, 'e' => TakesDates::class,
        ]]]), new TypeReader))->verify();

        $this->expectNotToPerformAssertions();
    }

    private function inbound(mixed $class): InboundEvents
    {
        return new InboundEvents(new Repository([
            'hms-sync' => ['inbound' => $class === null ? [] : ['agency.notices' => $class]],
        ]), new TypeReader);
    }

    private function envelope(string $payload): Envelope
    {
        return Envelope::fromJson(Envelopes::text(payload: $payload));
    }

    private function make(mixed $class, string $payload): object
    {
        return $this->inbound($class)->make($this->envelope($payload));
    }

    private function report(string $payload): Report
    {
        $event = $this->make(Report::class, $payload);

        self::assertInstanceOf(Report::class, $event);

        return $event;
    }

    private function undeliverable(string $class, string $payload): string
    {
        try {
            $this->make($class, $payload);
        } catch (Undeliverable $e) {
            self::assertStringNotContainsString('secret', $e->getMessage());

            return $e->getMessage();
        }

        self::fail('the event was made');
    }
}

enum PlainEnum
{
    case One;
}

abstract class AbstractEvent
{
    //
}

class Hidden
{
    private function __construct(public int $id)
    {
        //
    }

    public static function make(int $id): self
    {
        return new self($id);
    }
}

class Refusing
{
    public function __construct()
    {
        throw new InvalidArgumentException('not today');
    }
}

class TakesInterface
{
    public function __construct(public Stringable $said)
    {
        //
    }
}

class TakesFile
{
    public function __construct(public SplFileObject $file)
    {
        //
    }
}

class TakesClosure
{
    public function __construct(public Closure $do)
    {
        //
    }
}

class TakesCallable
{
    public function __construct(callable $do)
    {
        $do();
    }
}

class TakesModel
{
    public function __construct(public StoredThing $thing)
    {
        //
    }
}

class StoredThing extends Model
{
    //
}

class TakesCollection
{
    /**
     * @param  Collection<int, string>  $things
     */
    public function __construct(public Collection $things)
    {
        //
    }
}

class TakesMissing
{
    public function __construct(public Missing $missing) // @phpstan-ignore class.notFound, class.notFound
    {
        //
    }
}

class TakesPlainEnum
{
    public function __construct(public PlainEnum $enum, public ?UnitEnum $other = null)
    {
        //
    }
}

class TakesUnion
{
    public function __construct(public Finding|string $finding)
    {
        //
    }
}

class TakesIntersection
{
    /**
     * @param  Iterator<int, string>&Stringable  $both
     */
    public function __construct(public Iterator&Stringable $both)
    {
        //
    }
}

class TakesVariadic
{
    public int $sum;

    public function __construct(int ...$numbers)
    {
        $this->sum = (int) array_sum($numbers);
    }
}

class TakesWrongList
{
    public function __construct(#[ListOf('int')] public string $numbers)
    {
        //
    }
}

class TakesListOfMissing
{
    /**
     * @param  list<mixed>  $numbers
     */
    public function __construct(#[ListOf('integer')] public array $numbers)
    {
        //
    }
}

class TakesNested
{
    public function __construct(public TakesFile $nested)
    {
        //
    }
}

class TakesDates
{
    public function __construct(public \DateTime $a, public \DateTimeImmutable $b, public Carbon $c)
    {
        //
    }
}
