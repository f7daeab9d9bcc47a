<?php

namespace HmsSync\Tests;

use Illuminate\Auth\GenericUser;
use Illuminate\Http\Request;
use Illuminate\Support\Facades\Broadcast;
use Symfony\Component\HttpKernel\Exception\AccessDeniedHttpException;

class AuthorizationTest extends TestCase
{
    public function test_channels_are_authorized_as_laravels_redis_driver_does(): void
    {
        foreach (['hms-sync', 'redis'] as $connection) {
            $broadcaster = Broadcast::connection($connection);
            $broadcaster->channel('facilities.{id}', fn (GenericUser $user, string $id) => $id === '12');
            $broadcaster->channel('rooms.{id}', fn (GenericUser $user) => ['name' => 'Inspector']);

            self::assertSame('true', $broadcaster->auth($this->request('private-facilities.12')));
            self::assertSame('true', $broadcaster->auth($this->request('private-encrypted-facilities.12')));
            self::assertSame(
                '{"channel_data":{"user_id":7,"user_info":{"name":"Inspector"}}}',
                $broadcaster->auth($this->request('presence-rooms.1'))
            );
            $this->assertDenied(fn () => $broadcaster->auth($this->request('private-facilities.13')));
            $this->assertDenied(fn () => $broadcaster->auth($this->request('private-unknown')));
            $this->assertDenied(fn () => $broadcaster->auth($this->request('private-facilities.12', null)));
        }
    }

    private function request(string $channel, ?GenericUser $user = new GenericUser(['id' => 7])): Request
    {
        return tap(
            Request::create('/broadcasting/auth', 'POST', ['channel_name' => $channel]),
            fn (Request $request) => $request->setUserResolver(fn () => $user)
        );
    }

    private function assertDenied(callable $authorize): void
    {
        try {
            $authorize();
        } catch (AccessDeniedHttpException) {
            return;
        }

        self::fail('the channel was not denied');
    }
}
