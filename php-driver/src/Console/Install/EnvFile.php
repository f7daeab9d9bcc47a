<?php

namespace HmsSync\Console\Install;

/**
 * The text of a .env file, of which only the lines that are set change.
 */
class EnvFile
{
    /**
     * Create a new instance.
     */
    public function __construct(protected string $text)
    {
        //
    }

    /**
     * Get the value of a variable as it is written, null when no line sets it.
     */
    public function get(string $name): ?string
    {
        if (! preg_match_all($this->pattern($name), $this->text, $lines)) {
            return null;
        }

        return trim((string) end($lines[2]), " \t\"'");
    }

    /**
     * Set a variable: in the line that has it, else in a new one at the end.
     */
    public function set(string $name, string $value): void
    {
        if ($this->get($name) !== null) {
            $this->text = (string) preg_replace_callback(
                $this->pattern($name), fn (array $line) => $line[1].$value, $this->text
            );

            return;
        }

        $end = str_contains($this->text, "\r\n") ? "\r\n" : "\n";
        $before = $this->text === '' || str_ends_with($this->text, "\n") ? '' : $end;

        $this->text .= "{$before}{$name}={$value}{$end}";
    }

    /**
     * Get the text.
     */
    public function text(): string
    {
        return $this->text;
    }

    /**
     * Get the pattern of the lines that set a variable: what stands before the value, and the value.
     */
    protected function pattern(string $name): string
    {
        return '/^(\h*(?:export\h+)?'.preg_quote($name, '/').'\h*=)([^\r\n]*)/m';
    }
}
