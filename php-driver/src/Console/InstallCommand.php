<?php

namespace HmsSync\Console;

use HmsSync\Console\Install\BroadcastingConfig;
use HmsSync\Console\Install\Changes;
use HmsSync\Console\Install\EnvFile;
use HmsSync\Console\Install\Migration;
use Illuminate\Console\Command;
use Illuminate\Contracts\Foundation\CachesConfiguration;
use Illuminate\Filesystem\Filesystem;
use Symfony\Component\Console\Attribute\AsCommand;

/**
 * Sets the package up in an application. It can be run again: what is there stays as it is.
 */
#[AsCommand(name: 'hms-sync:install')]
class InstallCommand extends Command
{
    /**
     * The name and signature of the console command.
     *
     * @var string
     */
    protected $signature = 'hms-sync:install
                    {--outbox : Publish the migration of the outbox table}
                    {--inbox : Publish the migration of the inbox table}
                    {--migrate : Run the migrations}
                    {--force : Overwrite config/hms-sync.php and another BROADCAST_CONNECTION, and migrate in production without asking}';

    /**
     * The console command description.
     *
     * @var string
     */
    protected $description = 'Set up HMS-Sync in this application';

    /**
     * The connection to paste where it cannot be added.
     */
    protected const CONNECTION = "'hms-sync' => [\n    'driver' => 'hms-sync',\n    'connection' => 'hms-sync',\n],";

    /**
     * The variables to set where they are missing.
     */
    protected const VARIABLES = ['HMS_SYNC_URL' => 'http://127.0.0.1:8480', 'HMS_SYNC_TOKEN' => ''];

    /**
     * The tables whose migrations are published on demand, with what they are good for.
     */
    protected const TABLES = [
        'outbox' => 'no event without its commit, no commit without its event',
        'inbox' => 'an event of an exactly_once topic takes effect once',
    ];

    /**
     * What was done so far.
     */
    protected Changes $changes;

    /**
     * Whether another connection may be replaced, null while nobody was asked.
     */
    protected ?bool $mayReplace = null;

    /**
     * Create a new command instance.
     */
    public function __construct(protected Filesystem $files)
    {
        parent::__construct();
    }

    /**
     * Execute the console command.
     *
     * @return int 0 when everything is in place, 1 when something is left to do by hand
     */
    public function handle(): int
    {
        $this->changes = new Changes($this->files, $this->components, $this->laravel->basePath());
        $this->mayReplace = null;

        $this->publishConfiguration();
        $this->setEnvironment($this->addConnection());
        $this->publishMigrations();

        return $this->conclude();
    }

    /**
     * Publish config/hms-sync.php.
     */
    protected function publishConfiguration(): void
    {
        $path = $this->laravel->configPath('hms-sync.php');
        $text = $this->files->get(__DIR__.'/../../config/hms-sync.php');

        if (! $this->files->exists($path)) {
            $this->changes->write($path, $text, 'published');
        } elseif ($this->files->get($path) === $text) {
            $this->changes->kept($path, 'published already');
        } elseif ($this->option('force')) {
            $this->changes->write($path, $text, 'overwritten');
        } else {
            $this->changes->kept($path, 'kept as it was changed');
        }
    }

    /**
     * Add the connection to config/broadcasting.php, and get the variable that chooses the default one.
     */
    protected function addConnection(): string
    {
        $path = $this->laravel->configPath('broadcasting.php');

        if (! $this->files->exists($path)) {
            $this->changes->kept($path, 'not there, and not needed');

            return 'BROADCAST_CONNECTION';
        }

        $config = new BroadcastingConfig($this->files->get($path));

        if ($config->hasConnection()) {
            $this->changes->kept($path, 'has the connection already');
        } elseif ($text = $config->withConnection()) {
            $this->changes->write($path, $text, 'connection added');
        } else {
            $this->changes->leave($path, 'not understood', "Add this to 'connections' in config/broadcasting.php:\n\n".self::CONNECTION);
        }

        if ($config->defaultVariable() === null) {
            $this->changes->leave($path, 'default is no env()', "Write 'default' => env('BROADCAST_CONNECTION', 'null'), in config/broadcasting.php.");
        }

        return $config->defaultVariable() ?? 'BROADCAST_CONNECTION';
    }

    /**
     * Set the variables in .env and .env.example.
     *
     * @param  string  $variable  the one that chooses the default connection
     */
    protected function setEnvironment(string $variable): void
    {
        $path = $this->laravel->basePath('.env');

        if ($this->files->exists($path)) {
            $this->setVariables($path, $variable, true);
        } else {
            $this->changes->leave(
                $path, 'not there', "Set {$variable}=hms-sync, HMS_SYNC_URL and HMS_SYNC_TOKEN in the environment of this application."
            );
        }

        if ($this->files->exists($example = $this->laravel->basePath('.env.example'))) {
            $this->setVariables($example, $variable, false);
        }
    }

    /**
     * Set the variables in one file.
     *
     * @param  bool  $inUse  whether the application reads this file
     */
    protected function setVariables(string $path, string $variable, bool $inUse): void
    {
        $env = new EnvFile($before = $this->files->get($path));
        $set = [];

        if ($this->shallConnect($env->get($variable), $path, $variable, $inUse)) {
            $set[$variable] = 'hms-sync';
        }

        $set += array_filter(self::VARIABLES, fn (string $name) => $env->get($name) === null, ARRAY_FILTER_USE_KEY);

        foreach ($set as $name => $value) {
            $env->set($name, $value);
        }

        $env->text() === $before
            ? $this->changes->kept($path, 'has the variables already')
            : $this->changes->write($path, $env->text(), implode(', ', array_keys($set)));
    }

    /**
     * Determine whether the variable that chooses the connection is to be set.
     */
    protected function shallConnect(?string $current, string $path, string $variable, bool $inUse): bool
    {
        if ($current === null || $current === '') {
            return true;
        }

        if ($current === 'hms-sync' || $this->mayReplace($variable, $current)) {
            return $current !== 'hms-sync';
        }

        if ($inUse) {
            $this->changes->leave(
                $path, "{$variable} stays {$current}", "Set {$variable}=hms-sync in .env, or run this command again with --force."
            );
        }

        return false;
    }

    /**
     * Determine whether another connection may be replaced. The question is asked once for all files.
     */
    protected function mayReplace(string $variable, string $current): bool
    {
        return $this->mayReplace ??= $this->option('force') || ($this->input->isInteractive()
            && $this->components->confirm("{$variable} is [{$current}]. Change it to [hms-sync]?", true));
    }

    /**
     * Publish the migrations that are wanted, and run them.
     */
    protected function publishMigrations(): void
    {
        $published = count(array_filter(array_keys(self::TABLES), fn (string $table) => $this->wants($table) && $this->publishMigration($table)));

        if ($this->option('migrate') || ($published > 0 && $this->input->isInteractive() && $this->components->confirm('Run the migrations now?', true))) {
            $this->migrate();
        } elseif ($published > 0) {
            $this->changes->kept('php artisan migrate', 'to be run');
        }
    }

    /**
     * Determine whether the migration of a table is wanted.
     */
    protected function wants(string $table): bool
    {
        if ($this->option('outbox') || $this->option('inbox') || ! $this->input->isInteractive()) {
            return (bool) $this->option($table);
        }

        return $this->migration($table)->published($this->laravel->databasePath('migrations')) !== null
            || $this->components->confirm("Publish the migration of the {$table} table (".self::TABLES[$table].')?', false);
    }

    /**
     * Publish one migration, unless it is there.
     */
    protected function publishMigration(string $table): bool
    {
        $directory = $this->laravel->databasePath('migrations');

        if ($path = $this->migration($table)->published($directory)) {
            $this->changes->kept($path, 'published already');

            return false;
        }

        $this->changes->changed($this->migration($table)->publishTo($directory), 'published');

        return true;
    }

    /**
     * Run the migrations.
     */
    protected function migrate(): void
    {
        if ($this->call('migrate', array_filter(['--force' => $this->option('force')])) !== self::SUCCESS) {
            $this->changes->leave('php artisan migrate', 'failed', 'Run [php artisan migrate].');
        }
    }

    /**
     * Get the migration of a table.
     */
    protected function migration(string $table): Migration
    {
        return new Migration($this->files, "hms_sync_{$table}");
    }

    /**
     * Say what is left to do.
     */
    protected function conclude(): int
    {
        $this->newLine();

        array_map(fn (string $remedy) => $this->components->warn($remedy), $this->changes->left());

        if ($this->changes->any() && $this->laravel instanceof CachesConfiguration && $this->laravel->configurationIsCached()) {
            $this->components->warn('The configuration is cached: run [php artisan config:cache] again.');
        }

        if ($this->changes->left() !== []) {
            return self::FAILURE;
        }

        $this->components->info($this->changes->any()
            ? 'HMS-Sync is installed. Put the token of this application into HMS_SYNC_TOKEN, then run [php artisan hms-sync:doctor].'
            : 'HMS-Sync is installed already. Nothing was changed.');

        return self::SUCCESS;
    }
}
