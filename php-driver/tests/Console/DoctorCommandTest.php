<?php

namespace HmsSync\Tests\Console;

use App\Events\InspectionCompleted;
use HmsSync\Tests\Support\RedisServer;
use HmsSync\Tests\Support\Sidecar;
use HmsSync\Tests\TestCase;
use Illuminate\Contracts\Console\Kernel;
use Illuminate\Support\Facades\Date;
use PHPUnit\Framework\Attributes\DataProvider;

/**
 * The doctor examines real sidecars, each with one thing that is wrong.
 */
class DoctorCommandTest extends TestCase
{
    private const TOPICS = __DIR__.'/../Schema/bus/topics.yaml';

    private static ?Sidecar $sidecar = null;

    protected function tearDown(): void
    {
        Date::setTestNow();
        parent::tearDown();
    }

    public static function tearDownAfterClass(): void
    {
        self::$sidecar?->stop();
        self::$sidecar?->redis->stop();
        self::$sidecar = null;
    }

    #[DataProvider('clients')]
    public function test_where_everything_is_right_every_check_passes(string $client): void
    {
        $this->bootHealthy(['database.redis.client' => $client]);

        [$status, $output] = $this->doctor();

        self::assertSame(0, $status, $output);
        self::assertSame(array_fill_keys(['broadcast', 'redis', 'sidecar', 'clock', 'token', 'topics', 'events', 'inbox', 'outbox', 'probe'], 'ok'), $this->statuses($output));
        self::assertMatchesRegularExpression('/probe +A probe came through in \d+ ms\./', $output);
        self::assertStringContainsString('The token is that of [hms-api].', $output);
        self::assertStringContainsString('It publishes to 6 topics. It consumes others.only, 1 with', $output);
    }

    /**
     * @return iterable<string, array{string}>
     */
    public static function clients(): iterable
    {
        yield 'phpredis' => ['phpredis'];
        yield 'predis' => ['predis'];
    }

    public function test_the_findings_can_be_had_as_json(): void
    {
        $this->bootHealthy();
        $findings = json_decode($this->doctor(['--json' => true])[1], true, flags: JSON_THROW_ON_ERROR);
        self::assertTrue($findings['ok']);
        self::assertSame(['name' => 'broadcast', 'status' => 'ok', 'message' => 'Broadcasts go to the connection [hms-sync].', 'remedy' => ''], $findings['checks'][0]);

        $this->bootHealthy(['hms-sync.token' => null]);
        [$status, $output] = $this->doctor(['--json' => true]);
        self::assertSame(1, $status);
        self::assertFalse(json_decode($output, true, flags: JSON_THROW_ON_ERROR)['ok']);
    }

    public function test_it_writes_nothing_but_the_probe(): void
    {
        $this->bootHealthy();

        $this->doctor();

        $bus = self::sidecar()->request('GET', '/v1/status')['body'];
        self::assertSame([], array_filter($this->entries(self::sidecar()->redis->client()), fn (array $entry) => $entry['channels'] !== '["hms-sync:probe"]'));
        self::assertSame([0], array_values(array_unique(array_column($bus['topics'], 'recorded'))));
        self::assertSame(0, $bus['rejects']);
    }

    /**
     * @param  array<string, mixed>  $config
     */
    #[DataProvider('wrongConfigurations')]
    public function test_what_is_wrong_in_the_configuration_is_found(array $config, string $check, string $expected, string $message): void
    {
        $this->bootHealthy($config);

        [$status, $output] = $this->doctor();

        self::assertSame($expected, $this->statuses($output)[$check], $output);
        self::assertStringContainsString($message, $output);
        self::assertSame($expected === 'fail' ? 1 : 0, $status);
    }

    /**
     * @return iterable<string, array{array<string, mixed>, string, string, string}>
     */
    public static function wrongConfigurations(): iterable
    {
        yield 'a connection that sends nothing' => [['broadcasting.default' => 'log'], 'broadcast', 'fail', 'Set BROADCAST_CONNECTION=hms-sync.'];
        yield 'another connection' => [['broadcasting.default' => 'redis'], 'broadcast', 'warn', 'HMS_SYNC_FORWARD=redis'];
        yield 'no token' => [['hms-sync.token' => ''], 'token', 'fail', 'Put what [hms-sync keys create hms-api] prints into HMS_SYNC_TOKEN.'];
        yield 'a token that is none' => [['hms-sync.token' => 'hms_nothing'], 'token', 'fail', 'The sidecar does not know the token'];
        yield 'another consumer' => [['hms-sync.consumer' => 'city-health'], 'token', 'fail', 'The token is that of [hms-api], but this application consumes as [city-health].'];
        yield 'another source' => [['hms-sync.source' => 'hms-jobs'], 'topics', 'warn', 'published as [hms-jobs] and consumed as [hms-api]'];
        yield 'a topic that is misspelled' => [['hms-sync.inbound' => ['others.onyl' => InspectionCompleted::class]], 'topics', 'fail', 'has [others.onyl], which [hms-api] does not consume'];
        yield 'an event class that does not exist' => [['hms-sync.inbound' => ['others.only' => 'App\Events\Gone']], 'events', 'fail', "config/hms-sync.php: 'inbound': 'others.only': [App\Events\Gone] is not the name of a class that exists; write App\Events\Name::class"];
        yield 'an event class that no payload can become' => [['hms-sync.inbound' => ['others.only' => TestCase::class]], 'events', 'fail', 'Until it is corrected, hms-sync:listen does not start.'];
        yield 'no event class' => [['hms-sync.inbound' => []], 'events', 'ok', "config('hms-sync.inbound') names no event class."];
        yield 'no inbox' => [['hms-sync.inbox.table' => 'nowhere'], 'inbox', 'fail', 'The table [nowhere] is missing'];
        yield 'no database of the inbox' => [['hms-sync.inbox.connection' => 'nowhere'], 'inbox', 'fail', 'The database of the inbox does not answer'];
        yield 'no outbox' => [['hms-sync.outbox.enabled' => true, 'hms-sync.outbox.table' => 'nowhere'], 'outbox', 'fail', 'The table [nowhere] is missing: whatever is broadcast fails. Run [php artisan hms-sync:install --outbox --migrate].'];
    }

    public function test_an_outbox_that_cannot_hold_a_version_is_warned_of(): void
    {
        $this->bootHealthy(['hms-sync.outbox.enabled' => true]);
        $this->app->make('db.schema')->dropColumns('hms_sync_outbox', ['version']);

        $output = $this->doctor()[1];

        self::assertSame('warn', $this->statuses($output)['outbox'], $output);
        self::assertStringContainsString('has no column [version]: events with a broadcastVersion() fail. Run [php artisan migrate].', $output);
    }

    /**
     * @param  array<string, mixed>  $row
     */
    #[DataProvider('backlogs')]
    public function test_what_waits_in_the_outbox_is_told(array $row, string $expected, string $message): void
    {
        $this->bootHealthy(['hms-sync.outbox.enabled' => true]);
        $this->app->make('db')->table('hms_sync_outbox')->insert([
            'event_id' => 'a', 'channels' => '[]', 'event' => 'e', 'data' => '{}', 'time' => '', 'source' => '', 'timezone' => '', 'origin' => '',
            'order_key' => 'k', 'redis' => 'hms-sync', 'created_at' => gmdate('Y-m-d H:i:s'), ...$row,
        ]);

        $output = $this->doctor()[1];

        self::assertSame($expected, $this->statuses($output)['outbox'], $output);
        self::assertStringContainsString($message, $output);
    }

    /**
     * @return iterable<string, array{array<string, mixed>, string, string}>
     */
    public static function backlogs(): iterable
    {
        yield 'nothing' => [['relayed_at' => '2024-04-23 15:02:11'], 'ok', 'Nothing waits in the outbox.'];
        yield 'a moment ago' => [[], 'ok', '1 row waits in the outbox'];
        yield 'for long' => [['created_at' => '2024-04-23 15:02:11'], 'warn', 'Keep [php artisan hms-sync:relay] running'];
        yield 'refused' => [['attempts' => 2, 'retry_at' => '2999-01-01 00:00:00'], 'fail', 'Redis has refused 1 of them'];
    }

    public function test_the_development_token_is_warned_of_and_its_topics_are_checked_all_the_same(): void
    {
        $this->bootHealthy(['hms-sync.token' => self::sidecar()->token]);
        [$status, $output] = $this->doctor();
        self::assertSame([0, 'warn', 'ok', 'ok'], [$status, $this->statuses($output)['token'], $this->statuses($output)['topics'], $this->statuses($output)['probe']], $output);

        $this->bootHealthy(['hms-sync.token' => self::sidecar()->token, 'hms-sync.inbound' => ['kinds' => InspectionCompleted::class]]);
        self::assertSame('fail', $this->statuses($this->doctor()[1])['topics']);
    }

    public function test_a_system_that_produces_nothing_is_told_that_all_it_broadcasts_is_rejected(): void
    {
        $topics = sys_get_temp_dir().'/hms-sync-topics-'.bin2hex(random_bytes(6));
        exec('cp -r '.escapeshellarg(dirname(self::TOPICS)).' '.escapeshellarg($topics));
        file_put_contents($topics.'/topics.yaml', "inspections.status:\n  qos: exactly_once\n  retention: 7d\n  schema: v1\n  producers: [city-health]\n  consumers: [hms-api]\n");
        $sidecar = Sidecar::start($topics.'/topics.yaml');

        $this->bootFor($sidecar, ['hms-sync.inbound' => []]);
        [$status, $output] = $this->doctor();

        self::assertSame([1, 'fail'], [$status, $this->statuses($output)['topics']], $output);
        self::assertStringContainsString('[hms-api] is a producer of no topic', $output);
        exec('rm -r '.escapeshellarg($topics));
    }

    #[DataProvider('clients')]
    public function test_a_redis_that_is_not_there_is_found_without_the_password(string $client): void
    {
        $port = RedisServer::freePort();
        $this->bootHealthy(['database.redis.client' => $client, 'database.redis.hms-sync' => ['url' => "redis://me:s%40cret@127.0.0.1:{$port}/0"]]);

        [$status, $output] = $this->doctor();

        self::assertSame([1, 'fail', 'skip'], [$status, $this->statuses($output)['redis'], $this->statuses($output)['probe']], $output);
        self::assertStringContainsString("Redis at 127.0.0.1:{$port}/0 (connection [hms-sync]) does not take events", $output);
        self::assertStringNotContainsString('cret', $output);
    }

    /**
     * @param  list<list<string>>  $commands
     */
    #[DataProvider('refusals')]
    public function test_a_redis_that_would_not_take_an_event_is_found(array $commands, string $client, string $message): void
    {
        $redis = RedisServer::start();
        array_map(fn (array $command) => $redis->client()->rawCommand(...$command), $commands);
        $this->bootHealthy([
            'database.redis.client' => $client,
            'database.redis.hms-sync' => ['host' => '127.0.0.1', 'port' => $redis->port, 'username' => 'laravel', 'password' => 'geheim', 'database' => 0],
        ]);

        [, $output] = $this->doctor();

        self::assertSame('fail', $this->statuses($output)['redis'], $output);
        self::assertStringContainsString($message, $output);
        self::assertStringNotContainsString('geheim', $output);
        $redis->stop();
    }

    /**
     * @return iterable<string, array{list<list<string>>, string, string}>
     */
    public static function refusals(): iterable
    {
        $user = ['ACL', 'SETUSER', 'laravel', 'on', '>geheim', '~hms-sync:intake', '+xadd', '+hello', '+select'];

        foreach (['phpredis', 'predis'] as $client) {
            yield "{$client}: another password" => [[['ACL', 'SETUSER', 'laravel', 'on', '>other', '~*', '+@all']], $client, $client === 'predis' ? 'ERR AUTH' : 'WRONGPASS'];
            yield "{$client}: no right to write" => [[[...array_slice($user, 0, 5), '-@all', '+select', '+hello', '+client']], $client, 'NOPERM'];
            yield "{$client}: a replica" => [[$user, ['REPLICAOF', '127.0.0.1', '1']], $client, 'READONLY'];
            yield "{$client}: no memory left" => [[$user, ['CONFIG', 'SET', 'maxmemory', '1']], $client, 'OOM'];
        }
    }

    #[DataProvider('clients')]
    public function test_a_user_who_may_only_write_the_intake_is_enough(string $client): void
    {
        $redis = self::sidecar()->redis;
        $redis->client()->rawCommand('ACL', 'SETUSER', 'writer', 'on', '>geheim', 'resetkeys', '~hms-sync:intake', '-@all', '+xadd', '+select', '+hello', '+client');
        $this->bootHealthy([
            'database.redis.client' => $client,
            'database.redis.hms-sync' => ['host' => '127.0.0.1', 'port' => $redis->port, 'username' => 'writer', 'password' => 'geheim', 'database' => 0],
        ]);

        [$status, $output] = $this->doctor();

        self::assertSame(0, $status, $output);
    }

    public function test_a_redis_that_does_not_answer_ends_in_time(): void
    {
        $silent = stream_socket_server('tcp://127.0.0.1:0');
        self::assertNotFalse($silent);
        $port = (int) substr((string) strrchr((string) stream_socket_get_name($silent, false), ':'), 1);
        $this->bootHealthy(['database.redis.hms-sync' => ['host' => '127.0.0.1', 'port' => $port, 'database' => 0], 'hms-sync.url' => "http://127.0.0.1:{$port}"]);
        $begin = microtime(true);

        [$status, $output] = $this->doctor(['--timeout' => '0.2']);

        self::assertSame([1, 'fail', 'fail'], [$status, $this->statuses($output)['redis'], $this->statuses($output)['sidecar']], $output);
        self::assertLessThan(5, microtime(true) - $begin);
        fclose($silent);
    }

    public function test_a_sidecar_that_is_not_there_is_found_and_what_depends_on_it_is_skipped(): void
    {
        $this->bootHealthy(['hms-sync.url' => 'http://me:geheim@127.0.0.1:'.RedisServer::freePort()]);

        [$status, $output] = $this->doctor();

        self::assertSame(1, $status);
        self::assertSame(['fail', 'skip', 'skip', 'skip', 'skip'], array_values(array_intersect_key(
            $this->statuses($output), array_flip(['sidecar', 'clock', 'token', 'topics', 'probe'])
        )), $output);
        self::assertStringContainsString('Start the sidecar (hms-sync start), or correct HMS_SYNC_URL.', $output);
        self::assertStringNotContainsString('geheim', $output);
    }

    #[DataProvider('otherServers')]
    public function test_what_is_no_sidecar_is_not_taken_for_one(?string $answer, int $status): void
    {
        $directory = sys_get_temp_dir().'/hms-sync-web-'.bin2hex(random_bytes(6));
        mkdir($directory);
        $answer === null || file_put_contents($directory.'/readyz', $answer);
        $port = RedisServer::freePort();
        $web = proc_open([...RedisServer::untilParentDies(), PHP_BINARY, '-S', "127.0.0.1:{$port}", '-t', $directory], [['file', '/dev/null', 'r'], ['file', '/dev/null', 'w'], ['file', '/dev/null', 'w']], $pipes);
        self::assertIsResource($web);

        for ($deadline = microtime(true) + 10; ! ($socket = @fsockopen('127.0.0.1', $port)) && microtime(true) < $deadline;) {
            usleep(10_000);
        }

        self::assertIsResource($socket);
        fclose($socket);
        $this->bootHealthy(['hms-sync.url' => "http://127.0.0.1:{$port}"]);

        [, $output] = $this->doctor();

        proc_terminate($web, SIGKILL);
        proc_close($web);
        array_map(unlink(...), glob($directory.'/*') ?: []);
        rmdir($directory);
        self::assertStringContainsString("What answers at http://127.0.0.1:{$port} (HTTP {$status}) is not a sidecar.", $output);
    }

    /**
     * @return iterable<string, array{string|null, int}>
     */
    public static function otherServers(): iterable
    {
        yield 'one that knows nothing of it' => [null, 404];
        yield 'one that answers everything' => ['<html>', 200];
    }

    #[DataProvider('clocks')]
    public function test_clocks_that_differ_are_found_with_the_consequence(int $seconds, string $expected, string $message): void
    {
        $this->bootHealthy();
        Date::setTestNow(Date::now()->subSeconds($seconds));

        [$status, $output] = $this->doctor();

        self::assertSame([$expected === 'fail' ? 1 : 0, $expected], [$status, $this->statuses($output)['clock']], $output);
        self::assertStringContainsString($message, $output);
    }

    /**
     * @return iterable<string, array{int, string, string}>
     */
    public static function clocks(): iterable
    {
        yield 'the sidecar is ahead' => [30, 'warn', 's ahead of this one: the times of events and their replay windows are wrong'];
        yield 'the sidecar is behind' => [-30, 'warn', 's behind this one'];
        yield 'by more than a minute' => [90, 'fail', 'NTP'];
        yield 'by more than a minute, behind' => [-90, 'fail', 'NTP'];
    }

    #[DataProvider('clients')]
    public function test_a_laravel_that_writes_to_another_redis_than_the_sidecar_reads_is_found(string $client): void
    {
        $this->bootHealthy(['database.redis.client' => $client, 'database.redis.hms-sync' => ['host' => '127.0.0.1', 'port' => RedisServer::shared()->port, 'database' => 0]]);

        [$status, $output] = $this->doctor(['--timeout' => '0.5']);

        self::assertSame([1, 'ok', 'fail'], [$status, $this->statuses($output)['redis'], $this->statuses($output)['probe']], $output);
        self::assertStringContainsString('the sidecar reads another Redis than this application writes to. Let HMS_SYNC_REDIS_URL', $output);
        self::assertSame([], $this->entries(), 'the probe was left behind');
    }

    public function test_a_sidecar_that_stands_still_is_told_from_one_that_reads_another_redis(): void
    {
        $this->redis->rawCommand('XGROUP', 'CREATE', 'hms-sync:intake', 'sidecar', '0', 'MKSTREAM');
        $this->bootHealthy(['database.redis.hms-sync' => ['host' => '127.0.0.1', 'port' => RedisServer::shared()->port, 'database' => 0]]);

        [, $output] = $this->doctor(['--timeout' => '0.5']);

        self::assertSame('fail', $this->statuses($output)['probe']);
        self::assertStringContainsString('reads another Redis, or stands still', $output);
    }

    public function test_a_timeout_that_is_none_is_refused(): void
    {
        foreach (['soon', '0', '-1', '301'] as $timeout) {
            [$status, $output] = $this->doctor(['--timeout' => $timeout]);

            self::assertSame(2, $status);
            self::assertStringContainsString("--timeout is [{$timeout}]", $output);
        }
    }

    public function test_no_token_or_password_is_ever_written(): void
    {
        $this->bootHealthy();

        foreach ([[], ['--json' => true]] as $options) {
            self::assertStringNotContainsString(self::sidecar()->keyOf('hms-api'), $this->doctor($options)[1]);
        }
    }

    /**
     * The sidecar of all tests that need none of their own.
     */
    private static function sidecar(): Sidecar
    {
        return self::$sidecar ??= Sidecar::start(self::TOPICS);
    }

    /**
     * Boot the application as it should be, with lines of its configuration replaced.
     *
     * @param  array<string, mixed>  $config
     */
    private function bootHealthy(array $config = []): void
    {
        $this->bootFor(self::sidecar(), $config);
    }

    /**
     * @param  array<string, mixed>  $config
     */
    private function bootFor(Sidecar $sidecar, array $config): void
    {
        $this->bootWithDatabaseQueue();
        $database = $this->app->make('config')->get('database.connections.sqlite.database');

        $this->boot([
            'database.connections.sqlite.database' => $database,
            'database.redis.hms-sync' => ['host' => '127.0.0.1', 'port' => $sidecar->redis->port, 'database' => 0],
            ...array_filter($config, fn (string $name) => ! str_starts_with($name, 'hms-sync.'), ARRAY_FILTER_USE_KEY),
        ]);

        $this->app->make('config')->set([
            'hms-sync.url' => $sidecar->url, 'hms-sync.token' => $sidecar->keyOf('hms-api'),
            'hms-sync.inbound' => ['others.only' => InspectionCompleted::class],
            ...array_filter($config, fn (string $name) => str_starts_with($name, 'hms-sync.'), ARRAY_FILTER_USE_KEY),
        ]);
    }

    /**
     * Run the command and get its exit code and what it said.
     *
     * @param  array<string, mixed>  $options
     * @return array{int, string}
     */
    private function doctor(array $options = []): array
    {
        $kernel = $this->app->make(Kernel::class);

        return [$kernel->call('hms-sync:doctor', $options), $kernel->output()];
    }

    /**
     * How each check ended.
     *
     * @return array<string, string>
     */
    private function statuses(string $output): array
    {
        preg_match_all('/^  (ok|warn|fail|skip) +(\w+) /m', $output, $lines);

        return array_combine($lines[2], $lines[1]);
    }
}
