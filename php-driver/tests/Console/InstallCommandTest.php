<?php

namespace HmsSync\Tests\Console;

use HmsSync\Tests\TestCase;
use Illuminate\Contracts\Console\Kernel;
use Illuminate\Filesystem\Filesystem;
use Illuminate\Foundation\Application;
use Illuminate\Foundation\Bootstrap\BootProviders;
use Illuminate\Foundation\Bootstrap\LoadConfiguration;
use Illuminate\Foundation\Bootstrap\RegisterFacades;
use Illuminate\Foundation\Bootstrap\RegisterProviders;
use Illuminate\Support\Facades\Facade;
use PHPUnit\Framework\Attributes\DataProvider;
use Symfony\Component\Console\Tester\CommandTester;

/**
 * Each test installs into an application of its own: a copy of the skeleton of test/laravel-app.
 */
class InstallCommandTest extends TestCase
{
    private const FRESH_ENV = "APP_NAME=HMS\nBROADCAST_CONNECTION=\n\nLOG_CHANNEL=stack\n";

    private string $directory;

    protected function setUp(): void
    {
        parent::setUp();

        $this->directory = sys_get_temp_dir().'/hms-sync-app-'.bin2hex(random_bytes(6));
        $files = new Filesystem;
        $files->copyDirectory(self::APP.'/config', $this->directory.'/config');
        $files->delete($this->directory.'/config/hms-sync.php');
        $files->ensureDirectoryExists($this->directory.'/database/migrations');
        $files->copyDirectory(self::APP.'/bootstrap', $this->directory.'/bootstrap');
        $files->copyDirectory(self::APP.'/routes', $this->directory.'/routes');
        $files->put($this->directory.'/.env', self::FRESH_ENV);
        $files->put($this->directory.'/.env.example', "BROADCAST_CONNECTION=log\n");

        $this->bootSkeleton();
    }

    protected function tearDown(): void
    {
        parent::tearDown();
        (new Filesystem)->deleteDirectory($this->directory);
    }

    public function test_it_publishes_adds_and_sets_and_says_each_in_one_line(): void
    {
        [$status, $output] = $this->install(['--force' => true]);

        self::assertSame(0, $status, $output);
        self::assertFileEquals(__DIR__.'/../../config/hms-sync.php', $this->directory.'/config/hms-sync.php');
        self::assertSame(
            "APP_NAME=HMS\nBROADCAST_CONNECTION=hms-sync\n\nLOG_CHANNEL=stack\nHMS_SYNC_URL=http://127.0.0.1:8480\nHMS_SYNC_TOKEN=\n",
            $this->text('.env')
        );
        self::assertSame("BROADCAST_CONNECTION=hms-sync\nHMS_SYNC_URL=http://127.0.0.1:8480\nHMS_SYNC_TOKEN=\n", $this->text('.env.example'));
        self::assertSame(['driver' => 'hms-sync', 'connection' => 'hms-sync'], $this->connections()['hms-sync']);
        self::assertMatchesRegularExpression('#config/hms-sync.php \.+ published#', $output);
        self::assertMatchesRegularExpression('#config/broadcasting.php \.+ connection added#', $output);
        self::assertMatchesRegularExpression('#\.env \.+ BROADCAST_CONNECTION, HMS_SYNC_URL, HMS_SYNC_TOKEN#', $output);
        self::assertStringContainsString('hms-sync:doctor', $output);
    }

    public function test_a_second_run_changes_nothing_and_says_so(): void
    {
        $this->install(['--outbox' => true, '--inbox' => true, '--force' => true]);
        $before = $this->snapshot();

        [$status, $output] = $this->install(['--outbox' => true, '--inbox' => true, '--force' => true]);

        self::assertSame(0, $status, $output);
        self::assertSame($before, $this->snapshot());
        self::assertStringContainsString('Nothing was changed', $output);
    }

    public function test_the_rest_of_the_broadcasting_configuration_stays_byte_for_byte(): void
    {
        $before = $this->text('config/broadcasting.php');

        $this->install();

        $added = "\n\n        'hms-sync' => [\n            'driver' => 'hms-sync',\n            'connection' => 'hms-sync',\n        ],";
        self::assertSame(str_replace("'connections' => [", "'connections' => [".$added, $before), $this->text('config/broadcasting.php'));
    }

    public function test_without_force_nothing_that_is_there_is_overwritten(): void
    {
        file_put_contents($this->directory.'/.env', "BROADCAST_CONNECTION=reverb\nHMS_SYNC_URL=http://bus:1\nHMS_SYNC_TOKEN=secret\n");
        file_put_contents($this->directory.'/config/hms-sync.php', "<?php\n\nreturn ['source' => 'mine'];\n");
        file_put_contents($this->directory.'/config/broadcasting.php', $broadcasting = "<?php\nreturn ['default' => env('BROADCAST_CONNECTION'), 'connections' => ['hms-sync' => ['driver' => 'hms-sync', 'connection' => 'own']]];");

        [$status, $output] = $this->install();

        self::assertSame(1, $status, $output);
        self::assertSame("BROADCAST_CONNECTION=reverb\nHMS_SYNC_URL=http://bus:1\nHMS_SYNC_TOKEN=secret\n", $this->text('.env'));
        self::assertStringContainsString("'source' => 'mine'", $this->text('config/hms-sync.php'));
        self::assertSame($broadcasting, $this->text('config/broadcasting.php'));
        self::assertStringContainsString('BROADCAST_CONNECTION stays reverb', $output);
        self::assertStringContainsString('Set BROADCAST_CONNECTION=hms-sync in .env, or run this command again with --force.', $output);
        self::assertStringNotContainsString('secret', $output);
    }

    public function test_force_overwrites_the_published_configuration_and_another_connection(): void
    {
        file_put_contents($this->directory.'/.env', "A=1\r\nexport BROADCAST_CONNECTION=\"reverb\"\r\nHMS_SYNC_TOKEN=secret");
        file_put_contents($this->directory.'/config/hms-sync.php', "<?php\n\nreturn [];\n");

        [$status, $output] = $this->install(['--force' => true]);

        self::assertSame(0, $status, $output);
        self::assertSame("A=1\r\nexport BROADCAST_CONNECTION=hms-sync\r\nHMS_SYNC_TOKEN=secret\r\nHMS_SYNC_URL=http://127.0.0.1:8480\r\n", $this->text('.env'));
        self::assertFileEquals(__DIR__.'/../../config/hms-sync.php', $this->directory.'/config/hms-sync.php');
    }

    #[DataProvider('answers')]
    public function test_with_interaction_it_asks_before_it_replaces_another_connection(string $answer, string $connection, int $expected): void
    {
        file_put_contents($this->directory.'/.env', "BROADCAST_CONNECTION=log\n");

        [$status, $output] = $this->install([], [$answer, 'no', 'no']);

        self::assertSame($expected, $status, $output);
        self::assertStringContainsString('BROADCAST_CONNECTION is [log]', $output);
        self::assertStringStartsWith("BROADCAST_CONNECTION={$connection}\n", $this->text('.env'));
        self::assertStringStartsWith("BROADCAST_CONNECTION={$connection}\n", $this->text('.env.example'));
    }

    /**
     * @return iterable<string, array{string, string, int}>
     */
    public static function answers(): iterable
    {
        yield 'yes' => ['yes', 'hms-sync', 0];
        yield 'no' => ['no', 'log', 1];
    }

    public function test_migrations_are_published_once_and_run_on_demand(): void
    {
        $this->app->make('config')->set('database.connections.sqlite.database', $this->directory.'/database/database.sqlite');
        touch($this->directory.'/database/database.sqlite');

        [$status, $output] = $this->install(['--outbox' => true, '--inbox' => true, '--migrate' => true]);

        self::assertSame(0, $status, $output);
        self::assertCount(1, glob($this->directory.'/database/migrations/*hms_sync_outbox*') ?: []);
        self::assertCount(1, glob($this->directory.'/database/migrations/*hms_sync_inbox*') ?: []);
        self::assertTrue($this->app->make('db.schema')->hasTable('hms_sync_outbox'));
        self::assertTrue($this->app->make('db.schema')->hasTable('hms_sync_inbox'));
    }

    public function test_with_interaction_it_offers_the_migrations(): void
    {
        [$status, $output] = $this->install([], ['yes', 'yes', 'no', 'no']);

        self::assertSame(0, $status, $output);
        self::assertCount(1, glob($this->directory.'/database/migrations/*hms_sync_outbox*') ?: []);
        self::assertSame([], glob($this->directory.'/database/migrations/*hms_sync_inbox*'));
        self::assertStringContainsString('to be run', $output);
    }

    public function test_a_missing_env_file_is_not_made_but_what_to_set_is_said(): void
    {
        unlink($this->directory.'/.env');
        unlink($this->directory.'/.env.example');

        [$status, $output] = $this->install();

        self::assertSame(1, $status);
        self::assertFileDoesNotExist($this->directory.'/.env');
        self::assertStringContainsString('Set BROADCAST_CONNECTION=hms-sync, HMS_SYNC_URL and HMS_SYNC_TOKEN in the environment', $output);
    }

    public function test_a_configuration_it_does_not_understand_is_left_alone_and_what_to_paste_is_said(): void
    {
        file_put_contents($this->directory.'/config/broadcasting.php', $text = "<?php\nreturn ['default' => 'null', 'connections' => array_merge([], ['log' => []])];\n");

        [$status, $output] = $this->install();

        self::assertSame(1, $status);
        self::assertSame($text, $this->text('config/broadcasting.php'));
        self::assertStringContainsString("'driver' => 'hms-sync',", $output);
        self::assertStringContainsString("Write 'default' => env('BROADCAST_CONNECTION', 'null')", $output);
    }

    public function test_the_variable_that_the_configuration_reads_is_the_one_that_is_set(): void
    {
        file_put_contents($this->directory.'/config/broadcasting.php', "<?php\nreturn ['default' => env('BROADCAST_DRIVER', 'null'), 'connections' => []];\n");

        [$status] = $this->install();

        self::assertSame(0, $status);
        self::assertStringContainsString("BROADCAST_DRIVER=hms-sync\n", $this->text('.env'));
        self::assertStringContainsString("BROADCAST_CONNECTION=\n", $this->text('.env'));
    }

    public function test_an_application_without_a_broadcasting_configuration_needs_none(): void
    {
        unlink($this->directory.'/config/broadcasting.php');

        [$status, $output] = $this->install();

        self::assertSame(0, $status, $output);
        self::assertFileDoesNotExist($this->directory.'/config/broadcasting.php');
    }

    public function test_the_mode_of_a_file_stays(): void
    {
        chmod($this->directory.'/.env', 0600);

        $this->install();

        self::assertSame(0600, fileperms($this->directory.'/.env') & 0777);
        self::assertSame(0, fileperms($this->directory.'/config/hms-sync.php') & 0111);
    }

    private function bootSkeleton(): void
    {
        $this->app->flush();
        Facade::clearResolvedInstances();
        $this->app = require $this->directory.'/bootstrap/app.php';
        $this->app->afterBootstrapping(LoadConfiguration::class, fn (Application $app) => $app->make('config')->set('logging.default', 'null'));

        // Not the environment: what a .env file says would stay in this process.
        $this->app->bootstrapWith([LoadConfiguration::class, RegisterFacades::class, RegisterProviders::class, BootProviders::class]);
    }

    /**
     * Run the command and get its exit code and what it said.
     *
     * @param  array<string, bool>  $options
     * @param  list<string>|null  $answers  null for --no-interaction
     * @return array{int, string}
     */
    private function install(array $options = [], ?array $answers = null): array
    {
        $tester = new CommandTester($this->app->make(Kernel::class)->all()['hms-sync:install']);
        $tester->setInputs($answers ?? []);
        $status = $tester->execute($options, ['interactive' => $answers !== null]);

        return [$status, $tester->getDisplay(true)];
    }

    private function text(string $file): string
    {
        return (string) file_get_contents($this->directory.'/'.$file);
    }

    /**
     * @return array<string, mixed>
     */
    private function connections(): array
    {
        return (require $this->directory.'/config/broadcasting.php')['connections'];
    }

    /**
     * Every file with its text.
     *
     * @return array<string, string>
     */
    private function snapshot(): array
    {
        $files = (new Filesystem)->allFiles($this->directory, true);

        return array_combine(array_map(fn ($file) => $file->getRelativePathname(), $files), array_map(fn ($file) => $file->getContents(), $files));
    }
}
