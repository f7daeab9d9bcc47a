<?php

namespace HmsSync\Tests\Console;

use HmsSync\Console\Install\BroadcastingConfig;
use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\TestCase;

class BroadcastingConfigTest extends TestCase
{
    #[DataProvider('understood')]
    public function test_the_connection_is_added_and_nothing_else_means_something_else(string $text): void
    {
        $config = new BroadcastingConfig("<?php\n".$text);
        $after = (string) $config->withConnection();

        self::assertFalse($config->hasConnection());
        self::assertTrue((new BroadcastingConfig($after))->hasConnection());

        $expected = $this->evaluate("<?php\n".$text);
        $expected['connections'] = ['hms-sync' => ['driver' => 'hms-sync', 'connection' => 'hms-sync']] + $expected['connections'];
        self::assertSame($expected, $this->evaluate($after));
    }

    /**
     * @return iterable<string, array{string}>
     */
    public static function understood(): iterable
    {
        yield 'as Laravel writes it' => ["return [\n    'default' => 'log',\n\n    'connections' => [\n\n        'log' => [\n            'driver' => 'log',\n        ],\n\n    ],\n\n];\n"];
        yield 'on one line' => ["return ['connections' => ['log' => ['driver' => 'log']], 'x' => 1];"];
        yield 'empty' => ["return ['connections' => []];"];
        yield 'the old notation' => ["return array(\n\t'connections' => array(\n\t\t'log' => array('driver' => 'log'),\n\t),\n);"];
        yield 'with Windows line ends' => ["return [\r\n    'connections' => [\r\n        'log' => [],\r\n    ],\r\n];\r\n"];
        yield 'with the words elsewhere' => ["// 'connections' => [ 'hms-sync' => [\n\$x = ['connections' => ['hms-sync' => 1]];\nreturn ['a' => ['connections' => ['hms-sync' => []]], 'b' => \"{\$x['connections']['hms-sync']}\", 'connections' => /* [ */ ['log' => ['hms-sync' => 'hms-sync']]];"];
        yield 'with a function inside' => ["return ['connections' => ['log' => (function () { return ['driver' => 'log']; })()]];"];
        yield 'with double quotes' => ['return ["connections" => ["log" => ["driver" => "log"]]];'];
    }

    #[DataProvider('notUnderstood')]
    public function test_where_the_place_is_not_sure_nothing_is_added(string $text): void
    {
        self::assertNull((new BroadcastingConfig("<?php\n".$text))->withConnection());
    }

    /**
     * @return iterable<string, array{string}>
     */
    public static function notUnderstood(): iterable
    {
        yield 'no array' => ['return config_of("broadcasting");'];
        yield 'no connections' => ['return ["default" => "log"];'];
        yield 'a function' => ['return ["connections" => array_merge(["a" => []], [])];'];
        yield 'a sum' => ['return ["connections" => ["a" => []] + ["b" => []]];'];
        yield 'a variable' => ['$all = []; return ["connections" => $all];'];
        yield 'cut off' => ['return ["connections" => ['];
        yield 'nothing' => [''];
    }

    public function test_line_ends_and_indentation_are_those_of_the_file(): void
    {
        self::assertSame(
            "<?php\r\nreturn [\r\n\t'connections' => [\r\n\r\n\t\t'hms-sync' => [\r\n\t\t\t'driver' => 'hms-sync',\r\n\t\t\t'connection' => 'hms-sync',\r\n\t\t],\r\n\t],\r\n];\r\n",
            (new BroadcastingConfig("<?php\r\nreturn [\r\n\t'connections' => [\r\n\t],\r\n];\r\n"))->withConnection()
        );
    }

    public function test_the_variable_of_the_default_is_found(): void
    {
        self::assertSame('BROADCAST_DRIVER', (new BroadcastingConfig("<?php return ['x' => ['default' => env('A')], 'default' => env('BROADCAST_DRIVER', 'log')];"))->defaultVariable());
        self::assertNull((new BroadcastingConfig("<?php return ['default' => 'log'];"))->defaultVariable());
        self::assertNull((new BroadcastingConfig("<?php return ['default' => env(\$name)];"))->defaultVariable());
    }

    /**
     * @return array<string, mixed>
     */
    private function evaluate(string $text): array
    {
        return eval('?>'.$text);
    }
}
