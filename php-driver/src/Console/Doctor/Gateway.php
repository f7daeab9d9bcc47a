<?php

namespace HmsSync\Console\Doctor;

use Illuminate\Http\Client\Factory;
use Illuminate\Http\Client\Response;

/**
 * Asks the sidecar. Unlike the client of hms-sync:listen it does not try again: what fails is what is looked for.
 */
class Gateway
{
    /**
     * Create a new instance.
     *
     * @param  float  $timeout  seconds
     */
    public function __construct(
        protected Factory $http,
        protected string $url,
        protected ?string $token,
        protected float $timeout,
    ) {
        //
    }

    /**
     * Send a GET request.
     *
     * @throws \Illuminate\Http\Client\ConnectionException when there is no answer in time
     */
    public function get(string $path): Response
    {
        return $this->http
            ->withOptions(['connect_timeout' => $this->timeout, 'timeout' => $this->timeout, 'allow_redirects' => false])
            ->withHeaders($this->token ? ['Authorization' => 'Bearer '.$this->token] : [])
            ->get(rtrim($this->url, '/').$path);
    }
}
