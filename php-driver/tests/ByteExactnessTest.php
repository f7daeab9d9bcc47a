<?php

namespace HmsSync\Tests;

use HmsSync\Tests\Fixtures\Reading;
use PHPUnit\Framework\Attributes\DataProvider;
use Redis;

class ByteExactnessTest extends TestCase
{
    private const PREFIXES = ['none' => '', 'plain' => 'hms_database_', 'braces' => '{hms}:'];

    private const SERIALIZERS = [
        'none' => 'SERIALIZER_NONE', 'php' => 'SERIALIZER_PHP', 'json' => 'SERIALIZER_JSON',
        'igbinary' => 'SERIALIZER_IGBINARY', 'msgpack' => 'SERIALIZER_MSGPACK',
    ];

    private const COMPRESSIONS = [
        'none' => 'COMPRESSION_NONE', 'lzf' => 'COMPRESSION_LZF', 'zstd' => 'COMPRESSION_ZSTD', 'lz4' => 'COMPRESSION_LZ4',
    ];

    /**
     * @param  array<string, mixed>  $options
     */
    #[DataProvider('clientOptions')]
    public function test_the_entry_has_the_same_bytes_whatever_the_client_and_its_options_are(string $client, array $options): void
    {
        $this->boot(['database.redis.client' => $client, 'database.redis.options' => $options]);

        event(new Reading(
            ['text' => str_repeat('Größe "42" \\ 検査 ', 20), 'big' => 9007199254740993, 'float' => 10.0, 'empty' => new \stdClass, 'null' => null, 'digits' => '123'],
            ['inspections.status', 'private-facilities.12'],
        ));

        self::assertSame(['hms-sync:intake'], $this->redis->keys('*'));

        $entry = $this->onlyEntry();

        self::assertSame(['id', 'channels', 'event', 'data', 'time', 'source', 'timezone'], array_keys($entry));
        self::assertSame('["inspections.status","private-facilities.12"]', $entry['channels']);
        self::assertSame('reading', $entry['event']);
        self::assertSame(
            '{"text":"'.str_repeat('Gr\u00f6\u00dfe \"42\" \\\\ \u691c\u67fb ', 20).'","big":9007199254740993,"float":10.0,"empty":{},"null":null,"digits":"123"}',
            $entry['data']
        );
        self::assertSame('hms-api', $entry['source']);
        self::assertSame('UTC', $entry['timezone']);
    }

    /**
     * @return iterable<string, array{string, array<string, mixed>}>
     */
    public static function clientOptions(): iterable
    {
        foreach (self::PREFIXES as $prefixName => $prefix) {
            yield "predis, prefix {$prefixName}" => ['predis', ['prefix' => $prefix]];

            foreach (self::ofThisExtension(self::SERIALIZERS) as $serializerName => $serializer) {
                foreach (self::ofThisExtension(self::COMPRESSIONS) as $compressionName => $compression) {
                    yield "phpredis, prefix {$prefixName}, serializer {$serializerName}, compression {$compressionName}" => [
                        'phpredis', ['prefix' => $prefix, 'serializer' => $serializer, 'compression' => $compression],
                    ];
                }
            }
        }
    }

    /**
     * @param  array<string, string>  $constants
     * @return array<string, int>
     */
    private static function ofThisExtension(array $constants): array
    {
        return array_map(
            fn (string $name) => constant(Redis::class.'::'.$name),
            array_filter($constants, fn (string $name) => defined(Redis::class.'::'.$name))
        );
    }
}
