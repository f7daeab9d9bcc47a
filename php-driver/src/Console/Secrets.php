<?php

namespace HmsSync\Console;

use Illuminate\Contracts\Config\Repository;
use Illuminate\Support\Arr;

/**
 * The secrets that a message of a library may hold, and that nobody is to read on a console.
 */
class Secrets
{
    /**
     * Create a new instance.
     */
    public function __construct(protected Repository $config)
    {
        //
    }

    /**
     * Get a text without them.
     */
    public function removeFrom(string $text): string
    {
        // The user and password of an address, and then whatever is left of either.
        $text = (string) preg_replace('#(?<=://)[^/\s@]*@#', '***@', $text);

        return str_replace($this->all(), '***', $text);
    }

    /**
     * Get the secrets as they are configured, and as an address has them.
     *
     * @return list<string>
     */
    protected function all(): array
    {
        $secrets = [$this->config->get('hms-sync.token')];

        foreach (Arr::dot(['redis' => $this->config->get('database.redis'), 'url' => $this->config->get('hms-sync.url')]) as $name => $value) {
            if (str_ends_with($name, 'password')) {
                $secrets[] = $value;
            } elseif (str_ends_with($name, 'url') && is_string($value)) {
                $secrets[] = parse_url($value, PHP_URL_PASS) ?: null;
            }
        }

        $secrets = array_filter($secrets, fn (mixed $secret) => is_string($secret) && strlen($secret) > 2);

        return array_values(array_unique([...$secrets, ...array_map(rawurldecode(...), $secrets)]));
    }
}
