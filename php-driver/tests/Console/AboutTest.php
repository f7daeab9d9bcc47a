<?php

namespace HmsSync\Tests\Console;

use App\Events\InspectionCompleted;
use HmsSync\Tests\Support\RedisServer;
use HmsSync\Tests\TestCase;
use Illuminate\Contracts\Console\Kernel;
use Illuminate\Foundation\Console\AboutCommand;

class AboutTest extends TestCase
{
    protected function setUp(): void
    {
        AboutCommand::flushState();
        parent::setUp();
    }

    public function test_the_section_says_what_is_configured(): void
    {
        self::assertSame([
            'consumer' => 'hms-api', 'driver' => true, 'forward' => '-', 'inbound_topics' => '0', 'outbox' => false,
            'redis' => '127.0.0.1:'.RedisServer::shared()->port.'/0', 'source' => 'hms-api', 'token' => false,
            'url' => 'http://127.0.0.1:8480', 'version' => '0.1.0',
        ], $this->about(['hms-sync.inbound' => [], 'hms-sync.token' => null]));
    }

    public function test_it_shows_no_credentials_and_asks_nobody(): void
    {
        $closed = RedisServer::freePort();
        $section = $this->about([
            'hms-sync.token' => 'hms_geheim', 'hms-sync.url' => "http://me:geheim@127.0.0.1:{$closed}",
            'database.redis.hms-sync' => ['url' => "rediss://me:geheim@bus.internal:{$closed}/3"],
            'hms-sync.forward' => ['reverb', 'pusher'], 'hms-sync.outbox.enabled' => true, 'broadcasting.default' => 'reverb',
            'hms-sync.inbound' => ['a' => InspectionCompleted::class, 'b' => InspectionCompleted::class],
        ]);

        self::assertSame(
            [false, 'reverb, pusher', '2', true, "bus.internal:{$closed}/3", true, "http://***@127.0.0.1:{$closed}"],
            [$section['driver'], $section['forward'], $section['inbound_topics'], $section['outbox'], $section['redis'], $section['token'], $section['url']]
        );
    }

    public function test_a_cluster_is_shown_by_its_nodes(): void
    {
        $nodes = [['host' => 'a', 'port' => 7000, 'password' => 'geheim'], ['host' => 'b', 'port' => 7001]];

        self::assertSame('a:7000/0, b:7001/0', $this->about(['database.redis' => ['client' => 'phpredis', 'clusters' => ['hms-sync' => $nodes]]])['redis']);
    }

    /**
     * The section as JSON, with lines of the configuration replaced.
     *
     * @param  array<string, mixed>  $config
     * @return array<string, mixed>
     */
    private function about(array $config): array
    {
        $this->app->make('config')->set($config);
        $kernel = $this->app->make(Kernel::class);
        $kernel->call('about', ['--only' => 'hms-sync', '--json' => true]);

        return array_values(json_decode($kernel->output(), true, flags: JSON_THROW_ON_ERROR))[0];
    }
}
