<?php

namespace HmsSync\Console\Install;

use PhpToken;

/**
 * The text of config/broadcasting.php. It is read as PHP's own tokens, so that a connection can be added in the right
 * place while every other byte stays as it is.
 */
class BroadcastingConfig
{
    /**
     * The tokens that say something.
     *
     * @var list<PhpToken>
     */
    protected array $tokens;

    /**
     * Create a new instance.
     */
    public function __construct(protected string $text)
    {
        $this->tokens = array_values(array_filter(PhpToken::tokenize($text), fn (PhpToken $token) => ! $token->isIgnorable()));
    }

    /**
     * Determine whether the file defines the connection "hms-sync".
     */
    public function hasConnection(): bool
    {
        $connections = $this->connections();

        return $connections !== null && $this->keyIn($connections, 'hms-sync') !== null;
    }

    /**
     * Get the text with the connection added, null when the place for it cannot be told for sure.
     */
    public function withConnection(): ?string
    {
        if (! $open = $this->connections()) {
            return null;
        }

        $at = $this->at($open)->pos + 1;
        $indent = $this->indentOf($this->at($open)->pos);
        $lines = array_map(fn (string $line) => $line === '' ? '' : $indent.$this->deeper($indent, $line), [
            '', "1'hms-sync' => [", "2'driver' => 'hms-sync',", "2'connection' => 'hms-sync',", '1],',
        ]);
        $rest = substr($this->text, $at);
        $end = str_contains($this->text, "\r\n") ? "\r\n" : "\n";

        return substr($this->text, 0, $at).$end.implode($end, $lines).(preg_match('/^\h*\R/', $rest) ? '' : $end.$indent).$rest;
    }

    /**
     * Get the name of the environment variable that says which connection is the default, null when none does.
     */
    public function defaultVariable(): ?string
    {
        $value = ($root = $this->root()) === null ? null : $this->keyIn($root, 'default');

        if ($value === null || $this->at($value)->text !== 'env' || $this->at($value + 1)->text !== '(') {
            return null;
        }

        return $this->stringAt($value + 2);
    }

    /**
     * Get the index of the bracket that opens the array of connections.
     */
    protected function connections(): ?int
    {
        $value = ($root = $this->root()) === null ? null : $this->keyIn($root, 'connections');
        $open = $value === null ? null : $this->arrayAt($value);

        // Anything but a comma or the end after it means that the array is part of an expression.
        return $open !== null && in_array($this->at($this->closing($open) + 1)->text, [',', ']', ')'], true) ? $open : null;
    }

    /**
     * Get the index of the bracket that opens the array which the file returns.
     */
    protected function root(): ?int
    {
        foreach ($this->tokens as $index => $token) {
            if ($token->is(T_RETURN)) {
                return $this->arrayAt($index + 1);
            }
        }

        return null;
    }

    /**
     * Get the index of the bracket when an array begins here.
     */
    protected function arrayAt(int $index): ?int
    {
        return match (true) {
            $this->at($index)->text === '[' => $index,
            $this->at($index)->is(T_ARRAY) && $this->at($index + 1)->text === '(' => $index + 1,
            default => null,
        };
    }

    /**
     * Get the index of the value of a key in an array.
     *
     * @param  int  $open  index of the bracket that opens the array
     */
    protected function keyIn(int $open, string $key): ?int
    {
        $close = $this->closing($open);

        for ($index = $open + 1; $index < $close; $index++) {
            if ($this->opens($index)) {
                $index = $this->closing($index);
            } elseif ($this->stringAt($index) === $key && $this->at($index + 1)->is(T_DOUBLE_ARROW)) {
                return $index + 2;
            }
        }

        return null;
    }

    /**
     * Get the index of the bracket that closes one.
     */
    protected function closing(int $open): int
    {
        $depth = 1;

        for ($index = $open + 1; $index < count($this->tokens); $index++) {
            $depth += $this->opens($index) ? 1 : (in_array($this->at($index)->text, [']', ')', '}'], true) ? -1 : 0);

            if ($depth === 0) {
                return $index;
            }
        }

        return count($this->tokens);
    }

    /**
     * Determine whether a token opens a bracket.
     */
    protected function opens(int $index): bool
    {
        return in_array($this->at($index)->text, ['[', '(', '{', '#[', '${'], true);
    }

    /**
     * Get the text of a string literal, null when there is none.
     */
    protected function stringAt(int $index): ?string
    {
        return $this->at($index)->is(T_CONSTANT_ENCAPSED_STRING) ? substr($this->at($index)->text, 1, -1) : null;
    }

    /**
     * Get a token, an empty one behind the last.
     */
    protected function at(int $index): PhpToken
    {
        return $this->tokens[$index] ?? new PhpToken(T_WHITESPACE, '');
    }

    /**
     * Get the white space with which the line begins that holds this position.
     */
    protected function indentOf(int $position): string
    {
        preg_match('/\h*/A', $this->text, $indent, 0, (int) strrpos(substr("\n".$this->text, 0, $position + 1), "\n"));

        return $indent[0] ?? '';
    }

    /**
     * Indent a line by the levels that its first character says.
     */
    protected function deeper(string $indent, string $line): string
    {
        return str_repeat($indent === '' ? '    ' : $indent, (int) $line[0]).substr($line, 1);
    }
}
