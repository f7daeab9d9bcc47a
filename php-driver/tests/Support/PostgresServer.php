<?php

namespace HmsSync\Tests\Support;

use PDO;
use RuntimeException;

/**
 * A real PostgreSQL (apt-get install postgresql). It refuses to run as root: then the user "postgres" runs it.
 */
class PostgresServer extends DatabaseServer
{
    protected function driver(): string
    {
        return 'pgsql';
    }

    protected function initialize(): void
    {
        if (self::isRoot()) {
            chown($this->directory, 'postgres');
        }

        $this->run([
            ...$this->launcher(), $this->bin('initdb'), '--pgdata', $this->directory.'/data', '--username=postgres', '--auth=trust',
            '--encoding=UTF8', '--locale=C', '--no-sync', '--no-instructions',
        ]);
    }

    /**
     * @return list<string>
     */
    protected function command(): array
    {
        return [
            $this->bin('postgres'), '-D', $this->directory.'/data', '-h', '127.0.0.1', '-p', (string) $this->port,
            '-k', $this->directory, '-F', '-c', 'synchronous_commit=off', '-c', 'full_page_writes=off',
            '-c', 'shared_buffers=32MB', '-c', 'max_connections=60',
        ];
    }

    protected function root(): PDO
    {
        return new PDO("pgsql:host={$this->directory};port={$this->port};dbname=postgres", 'postgres');
    }

    protected function createUser(): void
    {
        $this->root()->exec(sprintf("CREATE ROLE %s LOGIN SUPERUSER PASSWORD '%s'", self::USER, self::PASSWORD));
    }

    /**
     * @return array<string, mixed>
     */
    protected function settings(): array
    {
        return ['charset' => 'utf8', 'search_path' => 'public', 'sslmode' => 'disable'];
    }

    /**
     * The quick end that still gives back shared memory.
     */
    protected function signal(): int
    {
        return SIGQUIT;
    }

    /**
     * @return list<string>
     */
    protected function launcher(): array
    {
        return self::isRoot()
            ? ['/usr/bin/setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups', '--pdeathsig', 'QUIT', '--']
            : RedisServer::untilParentDies();
    }

    /**
     * Debian keeps the programs of each version apart, outside the path.
     */
    protected function bin(string $program): string
    {
        $found = glob('/usr/lib/postgresql/*/bin/'.$program) ?: [];
        natsort($found);

        return end($found) ?: throw new RuntimeException("{$program} was not found; is PostgreSQL installed? (apt-get install postgresql)");
    }
}
