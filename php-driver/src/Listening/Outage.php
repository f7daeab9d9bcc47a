<?php

namespace HmsSync\Listening;

use Closure;
use HmsSync\Gateway\GatewayException;
use Psr\Log\LoggerInterface;

/**
 * The time during which the gateway does not answer: told once, tried again after growing pauses, and told when it is
 * over.
 */
class Outage
{
    /**
     * The pauses between tries, and the longest sleep between two looks at whether to stop (seconds).
     */
    protected const PAUSES = [0.25, 0.5, 1.0, 2.0, 5.0];

    protected const NAP = 0.25;

    protected ?GatewayException $failure = null;

    protected int $failures = 0;

    protected float $since = 0.0;

    protected float $notBefore = 0.0;

    /**
     * @var (Closure(string): void)|null
     */
    protected ?Closure $tell = null;

    /**
     * Create a new state: no outage.
     */
    public function __construct(protected LoggerInterface $log)
    {
        //
    }

    /**
     * Tell of outages here too, beside the log.
     *
     * @param  Closure(string): void  $tell
     */
    public function tell(Closure $tell): void
    {
        $this->tell = $tell;
    }

    /**
     * Get the last request's failure, null when it was answered.
     */
    public function failure(): ?GatewayException
    {
        return $this->failure;
    }

    /**
     * Determine whether the gateway may be asked now. Sleeps a little when it may not, never longer than a signal to
     * stop may wait.
     */
    public function mayTry(float $now): bool
    {
        $left = $this->notBefore - $now;

        if ($left > 0) {
            usleep((int) (min($left, self::NAP) * 1_000_000));
        }

        return $left <= self::NAP;
    }

    /**
     * Note that a request failed.
     */
    public function goesOn(GatewayException $failure, float $now): void
    {
        $pause = self::PAUSES[min($this->failures++, count(self::PAUSES) - 1)];
        $this->notBefore = $now + min(max($pause, $failure->retryAfter ?? 0), max(self::PAUSES));

        if ($this->failure?->retryable !== $failure->retryable) {
            $this->since = $now;
            $this->say($failure->retryable ? $failure->getMessage().' Trying again until it answers.' : $failure->getMessage(), $failure);
        }

        $this->failure = $failure;
    }

    /**
     * Note that a request was answered.
     */
    public function ends(string $url, float $now): void
    {
        if ($this->failure !== null) {
            $this->say(sprintf('HMS-Sync: %s answers again after %.1f s.', $url, $now - $this->since));
            [$this->failure, $this->failures, $this->notBefore] = [null, 0, 0.0];
        }
    }

    /**
     * Say it in the log and to whoever asked.
     */
    protected function say(string $message, ?GatewayException $failure = null): void
    {
        $this->log->log(
            $failure?->retryable === false ? 'error' : 'warning', $message,
            $failure === null ? [] : ['code' => $failure->gatewayCode]
        );

        if ($this->tell !== null && $failure?->retryable !== false) {
            ($this->tell)($message);
        }
    }
}
