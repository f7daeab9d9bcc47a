<?php

namespace HmsSync\Tests\Schema;

use App\Events\InspectionCompleted;
use HmsSync\HmsSync;
use HmsSync\Schema\SchemaCheck;
use HmsSync\Schema\SchemaSetupException;
use HmsSync\Schema\SchemaViolation;
use HmsSync\Schema\VersionedPayload;
use HmsSync\Tests\Fixtures\QueuedReading;
use HmsSync\Tests\Fixtures\Reading;
use HmsSync\Tests\Fixtures\VersionedReading;
use HmsSync\Tests\TestCase;
use Illuminate\Support\Facades\Broadcast;
use Illuminate\Support\Facades\DB;
use PHPUnit\Framework\Attributes\DataProvider;

class SchemaCheckTest extends TestCase
{
    private const TOPICS = __DIR__.'/bus/topics.yaml';

    private ?string $directory = null;

    protected function setUp(): void
    {
        parent::setUp();
        $this->boot(['hms-sync.schemas.topics' => self::TOPICS]);
    }

    protected function tearDown(): void
    {
        parent::tearDown();

        if ($this->directory !== null) {
            exec('rm -r '.escapeshellarg($this->directory));
        }
    }

    public function test_an_event_that_fits_is_broadcast_as_it_is(): void
    {
        event(new InspectionCompleted(42, 'INSPECTOR_1337', '2024-04-23 15:02:11'));

        self::assertSame('{"inspectionId":42,"completedBy":"INSPECTOR_1337","timestamp":"2024-04-23 15:02:11"}', $this->onlyEntry()['data']);
    }

    public function test_a_violation_names_the_event_the_topic_the_schema_and_each_field(): void
    {
        $violation = $this->violation(fn () => event(new Reading(['inspectionId' => '42', 'timestamp' => 'yesterday', 'newStatus' => ''])));

        self::assertSame([Reading::class, 'inspections.status', 'schema_violation', 'schemas/inspections.status/v1.json'], [
            $violation->event, $violation->topic, $violation->refusal, $violation->schema,
        ]);
        self::assertSame(['/inspectionId', '/newStatus', '/timestamp'], array_column($violation->errors, 'path'));
        self::assertStringContainsString(
            Reading::class.' does not fit the topic inspections.status (schemas/inspections.status/v1.json):'.
            "\n  - /inspectionId: The data (string) must match the type: integer\n  - /newStatus: ", $violation->getMessage()
        );
        self::assertSame([], $this->entries());
    }

    public function test_a_queued_event_and_a_payload_handed_over_directly_fail_too(): void
    {
        self::assertSame(QueuedReading::class, $this->violation(fn () => event(new QueuedReading(1)))->event);
        self::assertSame('reading', $this->violation(fn () => Broadcast::connection()->broadcast(['private-inspections.status'], 'reading', ['n' => 1]))->event);
        self::assertSame([], $this->entries());
    }

    public function test_with_the_outbox_it_fails_when_the_event_is_fired_and_leaves_no_row(): void
    {
        $this->bootWithDatabaseQueue(['hms-sync.outbox' => ['enabled' => true], 'hms-sync.schemas.topics' => self::TOPICS]);

        self::assertSame(QueuedReading::class, $this->violation(fn () => event(new QueuedReading(1)))->event);
        self::assertSame(0, DB::table('hms_sync_outbox')->count());

        event(new InspectionCompleted(42, 'INSPECTOR_1337', '2024-04-23 15:02:11'));
        self::assertSame(1, DB::table('hms_sync_outbox')->count());
    }

    public function test_a_topic_that_does_not_list_the_source_refuses_by_name(): void
    {
        $violation = $this->violation(fn () => event(new Reading(['id' => 1], ['others.only'])));

        self::assertSame('producer_not_listed', $violation->refusal);
        self::assertStringContainsString('[hms-api] is not among its producers', $violation->getMessage());
    }

    public function test_a_channel_that_is_no_topic_is_not_checked(): void
    {
        event(new Reading(['n' => 1], ['dashboard']));

        self::assertCount(1, $this->entries());
    }

    #[DataProvider('environments')]
    public function test_only_the_environments_that_are_listed_are_checked(string $environment, mixed $listed, bool $checked): void
    {
        $this->boot(['hms-sync.schemas' => ['topics' => self::TOPICS, ...($listed === null ? [] : ['environments' => $listed])]]);
        $this->app->instance('env', $environment);

        $broadcast = fn () => event(new Reading(['n' => 1]));

        $checked ? $this->violation($broadcast) : $broadcast();
        self::assertCount($checked ? 0 : 1, $this->entries());
    }

    /**
     * @return iterable<string, array{string, mixed, bool}>
     */
    public static function environments(): iterable
    {
        yield 'listed' => ['staging', ['staging'], true];
        yield 'not listed' => ['production', ['local', 'testing'], false];
        yield 'none listed' => ['testing', [], false];
        yield 'a configuration without the line' => ['testing', null, true];
        yield 'a configuration without the line, in production' => ['production', null, false];
    }

    public function test_without_the_path_nothing_is_checked(): void
    {
        $this->boot(['hms-sync.schemas.topics' => null]);

        event(new Reading(['n' => 1]));

        self::assertCount(1, $this->entries());
    }

    public function test_a_path_that_is_set_at_run_time_counts_from_the_next_broadcast_on(): void
    {
        $this->boot(['hms-sync.schemas.topics' => null]);
        event(new Reading(['n' => 1]));

        config(['hms-sync.schemas.topics' => self::TOPICS]);
        $this->violation(fn () => event(new Reading(['n' => 2])));

        config(['hms-sync.schemas.environments' => ['staging']]);
        event(new Reading(['n' => 3]));

        self::assertSame(['{"n":1}', '{"n":3}'], array_column($this->entries(), 'data'));
    }

    public function test_a_missing_package_is_named_with_the_command_that_installs_it(): void
    {
        $this->app->instance(SchemaCheck::class, new class($this->app, $this->app->make('config')) extends SchemaCheck
        {
            protected function packagesAreInstalled(): bool
            {
                return false;
            }
        });

        $this->assertSetupFails('composer require --dev opis/json-schema symfony/yaml', fn () => event(new Reading));
    }

    /**
     * @param  array<string, string>  $files
     */
    #[DataProvider('brokenFiles')]
    public function test_a_file_that_is_of_no_use_is_named_with_what_is_wrong(array $files, string $message): void
    {
        $this->boot(['hms-sync.schemas.topics' => $this->directoryWith($files).'/topics.yaml']);

        $this->assertSetupFails($message, fn () => event(new Reading(channels: ['t'])));
    }

    /**
     * @return iterable<string, array{array<string, string>, string}>
     */
    public static function brokenFiles(): iterable
    {
        $topics = "t:\n  schema: v1\n  producers: [hms-api]\n";

        yield 'no topics.yaml' => [[], 'topics.yaml is missing'];
        yield 'no YAML' => [['topics.yaml' => "t: [\n"], 'topics.yaml is not YAML'];
        yield 'no topics' => [['topics.yaml' => "hello\n"], 'topics.yaml holds no topics'];
        yield 'no version' => [['topics.yaml' => "t:\n  producers: [hms-api]\n"], 'topics.yaml has no usable entry for [t]'];
        yield 'a schema that is a list' => [['topics.yaml' => "t:\n  schema: [v1]\n"], 'topics.yaml has no usable entry for [t]'];
        yield 'a pin that is no version' => [['topics.yaml' => "t:\n  schema: v1\n  producers: [{name: hms-api, version: 1}]\n"], 'topics.yaml pins a producer of [t] to the version [1]. Write one that the topic has, up to v1'];
        yield 'a pin above the current version' => [['topics.yaml' => "t:\n  schema: v1\n  producers: [{name: hms-api, version: v2}]\n"], 'topics.yaml pins a producer of [t] to the version [v2]'];
        yield 'a pin without a schema' => [['topics.yaml' => "t:\n  schema: v2\n  producers: [{name: hms-api, version: v1}]\n", 'schemas/t/v2.json' => '{}'], 'schemas/t/v1.json is missing'];
        yield 'no schema' => [['topics.yaml' => $topics], 'schemas/t/v1.json is missing'];
        yield 'no JSON' => [['topics.yaml' => $topics, 'schemas/t/v1.json' => '{'], 'schemas/t/v1.json is not JSON'];
        yield 'no schema inside' => [['topics.yaml' => $topics, 'schemas/t/v1.json' => '[]'], 'schemas/t/v1.json is not a JSON object'];
        yield 'a reference out of schemas/' => [['topics.yaml' => $topics, 'schemas/t/v1.json' => '{"$ref":"../../secret.json"}'], 'leads out of schemas/'];
    }

    public function test_a_version_that_is_not_listed_is_refused_with_those_that_are(): void
    {
        $missing = $this->violation(fn () => event(new VersionedReading(3, ['id' => 1], ['versions.free'])));
        $above = $this->violation(fn () => event(new VersionedReading(5, ['id' => 1], ['versions.free'])));

        self::assertSame(['unknown_version', 'versions.free', VersionedReading::class], [$missing->refusal, $missing->topic, $missing->event]);
        self::assertSame(
            'HMS-Sync: '.VersionedReading::class.' cannot be published to the topic versions.free: its broadcastVersion() is 3, and the topic has 1, 2, 4; '.
            'return one that it has, or add schemas/versions.free/v3.json.', $missing->getMessage()
        );
        self::assertStringEndsWith('or add schemas/versions.free/v5.json and raise schema in topics.yaml.', $above->getMessage());
        self::assertSame([], $this->entries());
    }

    /**
     * @param  array<string, mixed>  $payload
     */
    #[DataProvider('versions')]
    public function test_an_event_is_checked_against_the_version_it_states_else_the_pinned_else_the_current_else_the_newest_other(
        string $topic, ?int $stated, array $payload, int|string $expected
    ): void {
        HmsSync::fake();
        $event = new VersionedReading($stated, $payload, [$topic]);

        if (is_int($expected)) {
            event($event);
            self::assertSame($expected, HmsSync::published()->sole()->version);
        } else {
            self::assertSame("schemas/{$topic}/{$expected}", $this->violation(fn () => event($event))->schema);
        }
    }

    /**
     * @return iterable<string, array{string, int|null, array<string, mixed>, int|string}>
     */
    public static function versions(): iterable
    {
        $all = ['id' => 1, 'completedBy' => 'X', 'inspector' => 'X', 'at' => 'x'];
        $ofOne = ['id' => 1, 'completedBy' => 'X'];
        $ofTwo = ['id' => 1, 'inspector' => 'X'];
        $ofTwoAndFour = [...$ofTwo, 'at' => '2024-04-23T15:02:11Z'];

        yield 'stated' => ['versions.free', 1, $all, 1];
        yield 'stated, and it fits only another' => ['versions.free', 4, $ofTwo, 'v4.json'];
        yield 'stated, not the pinned' => ['versions.pinned', 4, $ofTwoAndFour, 4];
        yield 'pinned' => ['versions.pinned', null, $ofTwoAndFour, 2];
        yield 'pinned, and it fits only an older' => ['versions.pinned', null, $ofOne, 1];
        yield 'pinned, and it fits a newer and an older' => ['versions.pinned', null, $all, 4];
        yield 'pinned, and it fits none' => ['versions.pinned', null, ['id' => 'x'], 'v2.json'];
        yield 'current' => ['versions.free', null, $ofTwoAndFour, 4];
        yield 'not the current, the newest other' => ['versions.free', null, $ofTwo, 2];
        yield 'not the current, the oldest' => ['versions.free', null, $ofOne, 1];
        yield 'none' => ['versions.free', null, ['id' => 'x'], 'v4.json'];
    }

    public function test_a_relative_path_begins_at_the_application(): void
    {
        $this->boot(['hms-sync.schemas.topics' => '../../topics.yaml']);

        self::assertSame(['inspections.status'], array_keys($this->check(['inspections.status', 'kinds'], '{"inspectionId":1}') ?? []));
    }

    public function test_schemas_that_refer_to_each_other_are_followed(): void
    {
        $directory = $this->directoryWith([
            'topics.yaml' => "t:\n  schema: v1\n  producers: [hms-api]\n",
            'schemas/t/v1.json' => '{"type":"object","properties":{"a":{"$ref":"../common/a.json"}},"examples":[{"$ref":"../none.json"}]}',
            'schemas/common/a.json' => '{"type":"object","properties":{"b":{"$ref":"b.json#/$defs/b"}}}',
            'schemas/common/b.json' => '{"$defs":{"b":{"type":"object","properties":{"a":{"$ref":"a.json"},"t":{"$ref":"../t/v1.json"},"n":{"default":7}}}}}',
        ]);
        $this->boot(['hms-sync.schemas.topics' => $directory.'/topics.yaml']);

        self::assertSame(['t' => '{"a":{"b":{"a":{"b":{"n":7}},"t":{"a":{"b":{"n":7}}},"n":7}}}'], $this->check(['t'], '{"a":{"b":{"a":{"b":{}},"t":{"a":{"b":{}}}}}}'));
    }

    /**
     * @param  list<string>  $channels
     * @return array<string, string>|null
     */
    private function check(array $channels, string $data): ?array
    {
        $payloads = $this->app->make(SchemaCheck::class)->check('reading', $channels, $data);

        return $payloads === null ? null : array_map(fn (VersionedPayload $payload) => $payload->json, $payloads);
    }

    private function violation(callable $broadcast): SchemaViolation
    {
        $failure = $this->failure($broadcast);

        self::assertInstanceOf(SchemaViolation::class, $failure);

        return $failure;
    }

    private function assertSetupFails(string $message, callable $broadcast): void
    {
        try {
            $broadcast();
            self::fail('no SchemaSetupException was thrown');
        } catch (SchemaSetupException $e) {
            self::assertStringContainsString($message, $e->getMessage());
        }
    }

    /**
     * @param  array<string, string>  $files
     */
    private function directoryWith(array $files): string
    {
        $this->directory = sys_get_temp_dir().'/hms-sync-schemas-'.bin2hex(random_bytes(6));
        mkdir($this->directory);

        foreach ($files as $name => $text) {
            @mkdir(dirname("{$this->directory}/{$name}"), recursive: true);
            file_put_contents("{$this->directory}/{$name}", $text);
        }

        return $this->directory;
    }
}
