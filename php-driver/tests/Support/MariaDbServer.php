<?php

namespace HmsSync\Tests\Support;

use PDO;

/**
 * A real MariaDB (apt-get install mariadb-server), which Laravel's "mysql" and "mariadb" drivers both talk to.
 */
class MariaDbServer extends DatabaseServer
{
    protected function driver(): string
    {
        return 'mariadb';
    }

    protected function initialize(): void
    {
        $this->run([
            'mariadb-install-db', '--no-defaults', "--datadir={$this->directory}/data", '--auth-root-authentication-method=normal',
            '--skip-test-db', ...$this->asThisUser(),
        ]);
    }

    /**
     * @return list<string>
     */
    protected function command(): array
    {
        return [
            'mariadbd', '--no-defaults', "--datadir={$this->directory}/data", "--socket={$this->directory}/socket",
            "--pid-file={$this->directory}/pid", '--bind-address=127.0.0.1', "--port={$this->port}", '--skip-log-bin',
            '--innodb-flush-log-at-trx-commit=0', '--innodb-flush-method=nosync', '--innodb-buffer-pool-size=32M',
            '--innodb-log-file-size=16M', '--skip-name-resolve', ...$this->asThisUser(),
        ];
    }

    protected function root(): PDO
    {
        return new PDO("mysql:unix_socket={$this->directory}/socket", 'root', '');
    }

    protected function createUser(): void
    {
        $this->root()->exec(sprintf("GRANT ALL ON *.* TO '%s'@'127.0.0.1' IDENTIFIED BY '%s'", self::USER, self::PASSWORD));
    }

    /**
     * @return array<string, mixed>
     */
    protected function settings(): array
    {
        return ['charset' => 'utf8mb4', 'collation' => 'utf8mb4_unicode_ci', 'strict' => true];
    }

    /**
     * @return list<string>
     */
    protected function asThisUser(): array
    {
        return self::isRoot() ? ['--user=root'] : [];
    }
}
