<?php

namespace HmsSync\Console\Doctor;

use Illuminate\Http\Client\ConnectionException;
use Illuminate\Http\Client\Response;
use Illuminate\Support\Facades\Date;

/**
 * Whether the sidecar answers and every part of it is up.
 */
class SidecarCheck implements Check
{
    /**
     * Create a new check.
     */
    public function __construct(protected Gateway $gateway, protected string $url)
    {
        //
    }

    /**
     * Get the name by which the check is shown.
     */
    public function name(): string
    {
        return 'sidecar';
    }

    /**
     * Ask the sidecar whether it is ready.
     */
    public function run(Examination $examination): Finding
    {
        try {
            $response = $this->gateway->get('/readyz');
        } catch (ConnectionException $e) {
            return Finding::fail(
                "No answer from {$this->url}: ".preg_replace('/( \(see https:.*|\.)$/s', '', $e->getMessage()).'.',
                'Start the sidecar (hms-sync start), or correct HMS_SYNC_URL.'
            );
        }

        if ($response->status() === 503) {
            return Finding::fail("The sidecar at {$this->url} is not ready.", 'Look into its log; it may still be waiting for its Redis.');
        }

        if (! $response->ok() || trim($response->body()) !== 'ready') {
            return Finding::fail(
                "What answers at {$this->url} (HTTP {$response->status()}) is not a sidecar.", 'Let HMS_SYNC_URL be the address that [hms-sync start] prints.'
            );
        }

        $examination->sidecarAnswers = true;
        $examination->skew = $this->skew($response);

        return Finding::ok("The sidecar at {$this->url} is ready.");
    }

    /**
     * Get how far the sidecar's clock is ahead of this one, in seconds, null when it does not say. Its Date header is
     * up to a second old.
     */
    protected function skew(Response $response): ?float
    {
        $time = strtotime($response->header('Date'));

        return $time === false ? null : $time + 0.5 - (float) Date::now()->format('U.u');
    }
}
