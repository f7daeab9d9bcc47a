<?php

namespace HmsSync\Tests;

use App\Events\InspectionCompleted;
use HmsSync\Tests\Fixtures\Reading;
use Illuminate\Broadcasting\Channel;
use Illuminate\Broadcasting\EncryptedPrivateChannel;
use Illuminate\Broadcasting\PresenceChannel;
use Illuminate\Broadcasting\PrivateChannel;
use Illuminate\Support\Facades\Broadcast;
use Illuminate\Support\Facades\Date;

class EntryTest extends TestCase
{
    public function test_an_ordinary_event_becomes_one_entry_with_its_public_properties(): void
    {
        Date::setTestNow('2024-04-23 15:02:11.123456');

        event(new InspectionCompleted(42, 'INSPECTOR_1337', now()));

        Date::setTestNow();
        $entry = $this->onlyEntry();

        self::assertSame('["inspections.status"]', $entry['channels']);
        self::assertSame('App\Events\InspectionCompleted', $entry['event']);
        self::assertSame('{"inspectionId":42,"completedBy":"INSPECTOR_1337","timestamp":"2024-04-23 15:02:11"}', $entry['data']);
        self::assertSame('2024-04-23T15:02:11.123456+00:00', $entry['time']);
    }

    public function test_time_and_timezone_are_those_of_the_application(): void
    {
        $this->boot(['app.timezone' => 'America/Chicago', 'hms-sync.source' => 'hms-test']);
        date_default_timezone_set('America/Chicago');
        Date::setTestNow(Date::parse('2024-04-23 10:02:11.5'));

        event(new Reading);

        Date::setTestNow();
        date_default_timezone_set('UTC');
        $entry = $this->onlyEntry();

        self::assertSame('2024-04-23T10:02:11.500000-05:00', $entry['time']);
        self::assertSame('America/Chicago', $entry['timezone']);
        self::assertSame('hms-test', $entry['source']);
    }

    public function test_an_event_on_several_channels_is_one_entry_and_their_names_stay_as_laravel_writes_them(): void
    {
        event(new Reading(channels: [
            new Channel('inspections.status'), new PrivateChannel('a'), new PresenceChannel('b'),
            new EncryptedPrivateChannel('c'), 'd',
        ]));

        self::assertSame(
            '["inspections.status","private-a","presence-b","private-encrypted-c","d"]', $this->onlyEntry()['channels']
        );
    }

    public function test_channels_given_by_name_are_still_a_list(): void
    {
        Broadcast::connection('hms-sync')->broadcast(['x' => 'a', 'y' => 'b'], 'reading', ['n' => 1]);

        self::assertSame('["a","b"]', $this->onlyEntry()['channels']);
    }

    public function test_an_event_without_channels_is_not_written(): void
    {
        event(new Reading(channels: []));
        Broadcast::connection('hms-sync')->broadcast([], 'reading', ['n' => 1]);

        self::assertSame([], $this->entries());
    }

    public function test_the_payload_is_an_object_also_when_it_is_empty_or_a_list(): void
    {
        event(new Reading([]));
        event(new Reading(['a', 'b']));
        Broadcast::connection('hms-sync')->broadcast(['inspections.status'], 'reading', ['socket' => '1.2']);

        self::assertSame(['{}', '{"0":"a","1":"b"}', '{}'], array_column($this->entries(), 'data'));
    }

    public function test_anonymous_events_pass_with_their_name_and_payload(): void
    {
        Broadcast::on('inspections.status')->as('inspection.noted')->with(['n' => 1])->sendNow();
        Broadcast::private('inspections.status')->with(['n' => 2])->send();

        $entries = $this->entries();

        self::assertSame(['inspection.noted', 'AnonymousEvent'], array_column($entries, 'event'));
        self::assertSame(['{"n":1}', '{"n":2}'], array_column($entries, 'data'));
        self::assertSame('["private-inspections.status"]', $entries[1]['channels']);
    }

    public function test_the_command_of_the_application_reports_when_each_event_was_stored(): void
    {
        $lines = explode("\n", trim($this->artisan(['inspections:complete', '7', '8', '--by=X', '--json', '--interval-ms=40'])));
        [$first, $second] = array_map(fn (string $line) => json_decode($line, true, flags: JSON_THROW_ON_ERROR), $lines);

        self::assertSame([7, 8], [$first['id'], $second['id']]);
        self::assertGreaterThanOrEqual($first['at'], $second['at']);
        self::assertStringContainsString('"completedBy":"X"', $this->entries()[1]['data']);
    }
}
