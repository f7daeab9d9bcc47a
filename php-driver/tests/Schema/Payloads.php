<?php

namespace HmsSync\Tests\Schema;

/**
 * Broadcasts that the bus takes and others that it refuses, as JSON texts: what the check in PHP is measured by.
 */
class Payloads
{
    /**
     * @return iterable<string, array{topic: string, data: string, timezone?: string, channel?: string, version?: int}>
     */
    public static function all(): iterable
    {
        foreach (self::inspections() as $name => $data) {
            yield "inspections.status: {$name}" => ['topic' => 'inspections.status', 'data' => $data];
        }

        foreach (self::kinds() as $number => $data) {
            yield "kinds {$number}: {$data}" => ['topic' => 'kinds', 'data' => $data];
        }

        foreach (self::linked() as $number => $data) {
            yield "linked {$number}: {$data}" => ['topic' => 'linked', 'data' => $data];
        }

        foreach (['{"id":1}', '{"id":1,"at":"2024-04-23 15:02:11"}', '{"id":1,"other":2}', '{"at":"2024-04-23 15:02:11"}'] as $data) {
            yield "closed: {$data}" => ['topic' => 'closed', 'data' => $data];
        }

        foreach (self::times() as $name => [$time, $timezone]) {
            yield "time zone: {$name}" => ['topic' => 'kinds', 'data' => (string) json_encode(['when' => $time]), 'timezone' => $timezone];
        }

        yield from self::versioned();
        yield 'not a producer' => ['topic' => 'others.only', 'data' => '{"id":1}'];
        yield 'a private channel' => ['topic' => 'closed', 'data' => '{"id":1}', 'channel' => 'private-closed'];
        yield 'a presence channel' => ['topic' => 'closed', 'data' => '{"id":"x"}', 'channel' => 'presence-closed'];
        yield 'an encrypted channel' => ['topic' => 'closed', 'data' => '{"id":1}', 'channel' => 'private-encrypted-closed'];
        yield 'a time zone that is none' => ['topic' => 'kinds', 'data' => '{"when":"2024-04-23 15:02:11"}', 'timezone' => 'Mars/Base'];
        yield 'a time zone that is none and is not needed' => ['topic' => 'kinds', 'data' => '{"when":"2024-04-23T15:02:11Z"}', 'timezone' => 'Mars/Base'];
        yield '64 levels' => ['topic' => 'kinds', 'data' => self::nested(64)];
        yield '65 levels' => ['topic' => 'kinds', 'data' => self::nested(65)];
    }

    /**
     * Each payload without a version and with every one that could be stated, for a producer that is pinned to version 2
     * and for one that is not. The topics have the versions 1, 2 and 4; there is a schema above the current one, too.
     *
     * @return iterable<string, array{topic: string, data: string, timezone?: string, version?: int}>
     */
    private static function versioned(): iterable
    {
        $payloads = [
            'of version 1' => '{"id":1,"completedBy":"X"}',
            'of version 2' => '{"id":1,"inspector":"X"}',
            'of version 2, with a local time' => '{"id":1,"inspector":"X","at":"2024-04-23 15:02:11"}',
            'of version 4' => '{"id":1,"inspector":"X","at":7,"more":true}',
            'of versions 1 and 4' => '{"id":1,"inspector":"X","at":"2024-04-23 15:02:11","completedBy":"X"}',
            'of version 2 without an id above 0' => '{"id":0,"inspector":"X","at":"2024-04-23T15:02:11Z"}',
            'of none' => '{"id":"1"}',
            'empty' => '{}',
        ];

        foreach (['versions.free', 'versions.pinned'] as $topic) {
            foreach ($payloads as $name => $data) {
                foreach ([null, 1, 2, 3, 4, 5, 9999] as $version) {
                    yield "{$topic}: {$name}, ".($version ?? 'none').' stated' => ['topic' => $topic, 'data' => $data, ...($version === null ? [] : ['version' => $version])];
                }
            }

            foreach (['{"id":1,"inspector":"X","at":"2024-04-23 15:02:11"}', '{"id":0,"inspector":"X","at":"2024-04-23 15:02:11"}'] as $data) {
                yield "{$topic}: a time zone that is none: {$data}" => ['topic' => $topic, 'data' => $data, 'timezone' => 'Mars/Base'];
            }
        }

        yield 'not a producer, an unknown version' => ['topic' => 'others.only', 'data' => '{"id":1}', 'version' => 9];
        yield '65 levels, an unknown version' => ['topic' => 'kinds', 'data' => self::nested(65), 'version' => 1];
        yield '65 levels, in the current version' => ['topic' => 'kinds', 'data' => self::nested(65), 'version' => 2];
    }

    /**
     * @return array<string, string>
     */
    private static function inspections(): array
    {
        return [
            'the seed event' => '{"inspectionId":42,"completedBy":"INSPECTOR_1337","timestamp":"2024-04-23 15:02:11"}',
            'RFC 3339' => '{"inspectionId":42,"timestamp":"2024-04-23T15:02:11+02:00"}',
            'an id as text' => '{"inspectionId":"42"}',
            'no id' => '{"completedBy":"X"}',
            'null' => '{"inspectionId":null}',
            'empty' => '{}',
            'an empty status' => '{"inspectionId":1,"newStatus":""}',
            'a list' => '{"0":"a","1":"b"}',
            'the greatest integer of PHP' => '{"inspectionId":9223372036854775807}',
            'a float without fraction' => '{"inspectionId":42.0}',
            'a float' => '{"inspectionId":42.5}',
            'a time that is none' => '{"inspectionId":1,"timestamp":"yesterday"}',
            'a time as number' => '{"inspectionId":1,"timestamp":1713884531}',
            'more members' => '{"zzz":1,"inspectionId":1,"":{"a":[]},"list":[{},[]]}',
        ];
    }

    /**
     * @return list<string>
     */
    private static function kinds(): array
    {
        return [
            '{"int":-5}', '{"int":-6}', '{"int":100}', '{"int":99}', '{"int":1e1}', '{"int":true}', '{"num":1}', '{"num":"1"}',
            '{"half":2.5,"bool":true,"num":1}', '{"half":2.4,"bool":true,"num":1}', '{"half":1}', '{"bool":true}', '{"bool":false}', '{"bool":0}',
            '{"none":null}', '{"none":0}', '{"text":"a"}', '{"text":"ab"}', '{"text":"\ud83d\ude00\ud83d\ude00\ud83d\ude00\ud83d\ude00"}', '{"text":"abcde"}',
            '{"code":"AB1"}', '{"code":"AB"}', '{"code":"AB1\n"}', '{"word":"\u00c4a"}', '{"word":"a"}',
            '{"unit":"m"}', '{"unit":null}', '{"unit":7.0}', '{"unit":{"a":[1]}}', '{"unit":{"a":[2]}}', '{"unit":"cm"}', '{"fixed":{"v":1.0}}', '{"fixed":{"v":2}}', '{"fixed":{}}',
            '{"intOrText":1}', '{"intOrText":"1"}', '{"intOrText":1.5}', '{"intOrText":null}',
            '{"list":[]}', '{"list":[1,2]}', '{"list":[1,1]}', '{"list":[1,1.0]}', '{"list":[1,2,3,4]}', '{"list":["1"]}', '{"list":{}}',
            '{"pair":["2024-04-23 15:02:11",1]}', '{"pair":["2024-04-23 15:02:11"]}', '{"pair":["2024-04-23 15:02:11",1,2]}', '{"pair":["x",1]}',
            '{"has":[]}', '{"has":[1]}', '{"has":[1,1,1]}', '{"has":[2,1]}',
            '{"map":{"a":"2024-04-23 15:02:11","b":"2024-04-23T15:02:11Z"}}', '{"map":{"a":"x"}}', '{"map":{}}', '{"map":[]}',
            '{"patterned":{"x-a":1}}', '{"patterned":{"x-a":"1"}}', '{"patterned":{"a":"2024-04-23 15:02:11"}}', '{"patterned":{"a":"2024-04-23T15:02:11Z"}}',
            '{"names":{"abc":1}}', '{"names":{"abcd":1}}', '{"names":{}}', '{"names":{"a":1,"b":1,"c":1}}',
            '{"whenOrNull":null}', '{"whenOrNull":"2024-04-23 15:02:11"}', '{"whenOrNull":"x"}',
            ...self::multiples(),
            ...self::ofFormats(),
        ];
    }

    /**
     * @return list<string>
     */
    private static function multiples(): array
    {
        $numbers = [
            'cents' => [
                '19.99', '64.07', '0.07', '4.35', '0.005', '1e21', '-19.99', '0', '0.0', '-0.0', '19.990', '19.991', '-19.991', '999999999.999', '999999999.99',
                '0.30000000000000004', '1234567890123.45', '12345678901234.567', '1e-7', '5e-324', '1.7976931348623157e308', '9007199254740993',
            ],
            'steps' => ['7.5', '7', '5', '-2.5', '2.4999999999999996', '1e21', '99999999999999995'],
            'tiny' => ['3e-7', '3e-9', '1e-8', '0.12345678', '0.123456789', '123456789.12345678', '1.7976931348623157e308'],
            'least' => ['5e-324', '1e-323', '2e-323', '1', '1.7976931348623157e308', '0'],
            'even' => ['4', '3', '4.0', '9007199254740992', '9007199254740993', '9223372036854775807', '1e300'],
            'thousands' => ['5000', '5001', '500', '5e-1', '9223372036854775807', '9223372036854774784'],
            'huge' => ['1e21', '3e22', '1.5e21', '1.5e22', '1', '0', '-2e21', '1.7976931348623157e308'],
        ];

        return array_merge(...array_map(
            fn (string $member, array $texts) => array_map(fn (string $text) => "{\"{$member}\":{$text}}", $texts), array_keys($numbers), $numbers
        ));
    }

    /**
     * @return list<string>
     */
    private static function ofFormats(): array
    {
        $texts = [
            'when' => [
                '2024-04-23T15:02:11Z', '2024-04-23t15:02:11z', '2024-04-23 15:02:11Z', '2024-04-23T15:02:11.123456+02:00', '2024-04-23T15:02:11+0200',
                '2024-04-23T15:02:11+02', '2024-04-23 15:02', '2024-04-23', '2024-02-30 15:02:11', '2024-02-30T15:02:11Z', '2024-04-23 24:00:00',
                '2024-04-23 15:02:60', '2016-12-31T23:59:60Z', '2016-12-31T22:59:60Z', '2024-04-23 15:02:11.5', '2024-04-23 15:02:11.1234567891', '2024-04-23T15:02:11', '0000-01-01 00:00:00',
                '2024-04-23T25:02:11Z', '2024-04-23T15:02:11+24:00', "2024-04-23 15:02:11\n", '',
            ],
            'date' => ['2024-02-29', '2023-02-29', '2024-2-9', '2024-04-23T00:00:00Z'],
            'time' => ['15:02:11Z', '15:02:11', '15:02:11+02:00', '24:00:00Z', '23:59:60Z'],
            'duration' => ['P1D', 'PT1H30M', 'P', 'P1W', '1D', 'PT', 'P1Y2M3DT4H5M6S', 'P1DT'],
            'uuid' => ['0190a6a0-0000-7000-8000-000000000000', 'urn:uuid:0190a6a0-0000-7000-8000-000000000000', '0190a6a0', ''],
            'uri' => ['https://example.org/a?b#c', '/a', 'x', 'mailto:a@b.c', 'http://exa mple.org', ''],
            'host' => ['example.org', 'localhost', '-a.b', 'a_b'],
            'ipv4' => ['127.0.0.1', '256.0.0.1', '1.2.3'],
            'ipv6' => ['::1', '2001:db8::1', ':::', '1.2.3.4'],
            'pointer' => ['', '/a/b', 'a', '/~2'],
            'byte' => ['YWJj', 'YWI=', 'YW', ''],
        ];

        $payloads = ['{"int32":2147483647}', '{"int32":2147483648}', '{"int32":-2147483648}', '{"int32":-2147483649}'];

        foreach ($texts as $member => $values) {
            array_push($payloads, ...array_map(fn (string $value) => (string) json_encode([$member => $value]), $values));
        }

        foreach (['a@example.org', 'a@localhost', 'a.b+c@sub.example.org', 'a', 'a..b@example.org', 'ä@example.org'] as $email) {
            $payloads[] = (string) json_encode(['email' => $email, 'uuid' => '0190a6a0-0000-7000-8000-000000000000']);
        }

        return [...$payloads, '{"email":"a@example.org"}'];
    }

    /**
     * @return list<string>
     */
    private static function linked(): array
    {
        return [
            '{}', '{"second":1}', '{"third":null}', '{"third":1}', '{"first":null}', '{"zzz":1,"first":"b"}', '{"third":[{}]}',
            '{"address":{"city":"Wien"}}', '{"address":{"country":"DE"}}', '{"address":{"city":"Wien","moved":"2024-04-23 15:02:11"}}', '{"address":[]}',
            '{"tree":{"children":[{"at":"2024-04-23 15:02:11","children":[{"at":"x"}]}]}}',
            '{"tree":{"children":[{"at":"2024-04-23 15:02:11","children":[{"weight":2}]}]}}',
            '{"maybe":null}', '{"maybe":{"lat":1}}', '{"maybe":{"lat":"1"}}', '{"maybe":{}}',
            '{"either":{"a":"2024-04-23 15:02:11"}}', '{"either":{"a":"2024-04-23T15:02:11Z"}}', '{"either":{"b":1}}', '{"either":{"a":"2024-04-23T15:02:11Z","b":1}}', '{"either":{}}',
        ];
    }

    /**
     * @return array<string, array{string, string}>
     */
    private static function times(): array
    {
        return [
            'summer' => ['2024-07-01 12:00:00.250', 'America/Chicago'],
            'winter' => ['2024-01-01T12:00:00', 'America/Chicago'],
            'an hour that the clock skips' => ['2024-03-10 02:30:00', 'America/Chicago'],
            'an hour that comes twice' => ['2024-11-03 01:30:00', 'America/Chicago'],
            'half hours' => ['2024-07-01 12:00:00', 'Asia/Kolkata'],
            'an offset' => ['2024-07-01 12:00:00', '+05:45'],
            'before the first year' => ['0000-01-01 00:00:00', 'Asia/Tokyo'],
            'after the last year' => ['9999-12-31 23:59:59', 'America/Chicago'],
            'none given' => ['2024-07-01 12:00:00', ''],
        ];
    }

    private static function nested(int $levels): string
    {
        return str_repeat('{"a":', $levels - 1).'{}'.str_repeat('}', $levels - 1);
    }
}
