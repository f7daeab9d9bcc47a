<?php

namespace HmsSync\Console\Doctor;

use Illuminate\Contracts\Config\Repository;

/**
 * Whether topics.yaml and this application's configuration name the same topics.
 */
class TopicsCheck implements Check
{
    /**
     * Create a new check.
     */
    public function __construct(protected Repository $config)
    {
        //
    }

    /**
     * Get the name by which the check is shown.
     */
    public function name(): string
    {
        return 'topics';
    }

    /**
     * Compare what is configured with what the sidecar says.
     */
    public function run(Examination $examination): Finding
    {
        if (! $identity = $examination->identity) {
            return Finding::skip('the sidecar has not taken the token');
        }

        $consumer = $this->config->get('hms-sync.consumer');
        $inbound = array_map(strval(...), array_keys((array) $this->config->get('hms-sync.inbound')));

        if ($unknown = array_diff($inbound, $identity->consumes)) {
            return Finding::fail(
                "config('hms-sync.inbound') has [".implode('], [', $unknown)."], which [{$consumer}] does not consume.",
                "Correct the name, or add {$consumer} to the topic's consumers in topics.yaml."
            );
        }

        return $this->sources($identity) ?? Finding::ok($this->summary($identity, count($inbound)));
    }

    /**
     * Look whether this application may publish anything.
     */
    protected function sources(Identity $identity): ?Finding
    {
        $source = $this->config->get('hms-sync.source');

        return match (true) {
            $identity->produces === [] && $identity->system === $source => Finding::fail(
                "[{$source}] is a producer of no topic: the bus rejects whatever this application broadcasts.",
                "Add {$source} to the producers of its topics in topics.yaml, or correct HMS_SYNC_SOURCE."
            ),
            $identity->produces === null || $identity->system === $source => null,
            default => Finding::warn(
                "Events are published as [{$source}] and consumed as [{$identity->system}]; whether [{$source}] may publish was not checked.",
                'Let HMS_SYNC_SOURCE and HMS_SYNC_CONSUMER be the same, unless they are two systems in topics.yaml.'
            ),
        };
    }

    /**
     * Say what this application publishes and consumes.
     */
    protected function summary(Identity $identity, int $inbound): string
    {
        $produces = $identity->produces === null ? '' : 'It publishes to '.$this->listed($identity->produces).'. ';

        return $produces.'It consumes '.$this->listed($identity->consumes).
            ($identity->consumes === [] ? '.' : ", {$inbound} with an event class of its own.");
    }

    /**
     * List some topics.
     *
     * @param  list<string>  $topics
     */
    protected function listed(array $topics): string
    {
        return match (true) {
            $topics === [] => 'nothing',
            count($topics) > 5 => count($topics).' topics',
            default => implode(', ', $topics),
        };
    }
}
