<?php

namespace HmsSync\Console\Doctor;

use Illuminate\Contracts\Config\Repository;
use Illuminate\Http\Client\ConnectionException;
use Illuminate\Http\Client\Response;

/**
 * Whether the sidecar takes the token, and whose it is.
 */
class TokenCheck implements Check
{
    /**
     * Create a new check.
     */
    public function __construct(protected Gateway $gateway, protected Repository $config)
    {
        //
    }

    /**
     * Get the name by which the check is shown.
     */
    public function name(): string
    {
        return 'token';
    }

    /**
     * Ask the sidecar whose token it is.
     */
    public function run(Examination $examination): Finding
    {
        $consumer = (string) $this->config->get('hms-sync.consumer');
        $remedy = "Put what [hms-sync keys create {$consumer}] prints into HMS_SYNC_TOKEN.";

        if (! $this->config->get('hms-sync.token')) {
            return Finding::fail('HMS_SYNC_TOKEN is not set.', $remedy);
        }

        if (! $examination->sidecarAnswers) {
            return Finding::skip('the sidecar does not answer');
        }

        try {
            $response = $this->gateway->get('/v1/whoami');
        } catch (ConnectionException $e) {
            return Finding::fail('The sidecar did not say whose token it is: '.rtrim($e->getMessage(), '.').'.', 'Run this command again.');
        }

        return $response->ok() ? $this->judge($response, $consumer, $examination) : $this->refused($response, $remedy);
    }

    /**
     * Judge whether it is the right system's token.
     */
    protected function judge(Response $response, string $consumer, Examination $examination): Finding
    {
        $system = (string) $response->json('system');

        if ($response->json('admin') === true) {
            $examination->identity = new Identity($system, true, $this->consumedBy($consumer), null);

            return Finding::warn(
                "The token is the {$system}'s, which may do everything.",
                "In production put what [hms-sync keys create {$consumer}] prints into HMS_SYNC_TOKEN."
            );
        }

        if ($system !== $consumer) {
            return Finding::fail(
                "The token is that of [{$system}], but this application consumes as [{$consumer}].",
                "Put what [hms-sync keys create {$consumer}] prints into HMS_SYNC_TOKEN, or correct HMS_SYNC_CONSUMER."
            );
        }

        $examination->identity = new Identity($system, false, $this->names($response->json('consumes')), $this->names($response->json('produces')));

        return Finding::ok("The token is that of [{$system}].");
    }

    /**
     * Get the names in a list.
     *
     * @return list<string>
     */
    protected function names(mixed $list): array
    {
        return array_values(array_filter((array) $list, is_string(...)));
    }

    /**
     * Describe a refusal.
     */
    protected function refused(Response $response, string $remedy): Finding
    {
        return $response->status() === 401
            ? Finding::fail('The sidecar does not know the token, or no longer.', $remedy)
            : Finding::fail("The sidecar did not say whose token it is (HTTP {$response->status()}).", 'Look into its log, then run this command again.');
    }

    /**
     * Get the topics of a consumer as the status has them, which only an admin may read.
     *
     * @return list<string>
     */
    protected function consumedBy(string $consumer): array
    {
        $topics = array_filter(
            (array) $this->gateway->get('/v1/status')->json('topics'), fn (mixed $topic) => isset($topic['consumers'][$consumer])
        );

        return array_map(strval(...), array_keys($topics));
    }
}
