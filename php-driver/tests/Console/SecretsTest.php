<?php

namespace HmsSync\Tests\Console;

use HmsSync\Console\Secrets;
use Illuminate\Config\Repository;
use PHPUnit\Framework\TestCase;

class SecretsTest extends TestCase
{
    public function test_what_is_configured_as_a_secret_is_removed_wherever_it_stands(): void
    {
        $secrets = new Secrets(new Repository([
            'hms-sync' => ['token' => 'hms_token', 'url' => 'http://me:gate%40way@bus'],
            'database' => ['redis' => [
                'default' => ['password' => 'plain'], 'hms-sync' => ['url' => 'redis://u:in-url@host:1/0'],
                'clusters' => ['c' => [['password' => 'node']]], 'options' => ['parameters' => ['password' => 'shared']], 'cache' => ['password' => null],
            ]],
        ]));

        self::assertSame(
            'a *** b *** c *** d *** e *** f *** g *** h redis://***@x/1 AUTH',
            $secrets->removeFrom('a hms_token b gate%40way c gate@way d plain e in-url f node g shared h redis://who:ever@x/1 AUTH')
        );
    }
}
