<?php

namespace HmsSync\Console\Doctor;

use HmsSync\Gateway\GatewayClient;
use HmsSync\Gateway\GatewayException;
use Illuminate\Contracts\Config\Repository;

/**
 * Whether the sidecar takes the token, and whose it is.
 */
class TokenCheck implements Check
{
    /**
     * Create a new check.
     */
    public function __construct(protected GatewayClient $client, protected Gateway $gateway, protected Repository $config)
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
            return $this->judge($this->client->whoami(), $consumer, $examination);
        } catch (GatewayException $e) {
            return $e->status === 401
                ? Finding::fail('The sidecar does not know the token, or no longer.', $remedy)
                : Finding::fail('The sidecar did not say whose token it is. '.$e->getMessage(), 'Look into its log, then run this command again.');
        }
    }

    /**
     * Judge whether it is the right system's token.
     *
     * @param  array{system: string, admin: bool, consumes: list<string>, produces: list<string>}  $who
     */
    protected function judge(array $who, string $consumer, Examination $examination): Finding
    {
        $system = $who['system'];

        if ($who['admin']) {
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

        $examination->identity = new Identity($system, false, $who['consumes'], $who['produces']);

        return Finding::ok("The token is that of [{$system}].");
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
