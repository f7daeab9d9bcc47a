<?php

namespace HmsSync\Schema;

/**
 * A number, without its sign, in the decimals that it is written with: whole digits times a power of ten. What is written
 * is the shortest text that is read as the same number, as in the sidecar.
 */
class Decimal
{
    /**
     * Create a new decimal.
     *
     * @param  int  $digits  at most 17 of them, so that ten times as much is an integer too
     */
    protected function __construct(protected int $digits, protected int $exponent)
    {
        //
    }

    /**
     * Read a number; like the sidecar's, an integer beyond 2^53 is rounded to one that a float can have.
     */
    public static function of(float $number): self
    {
        // Unlike json_encode(), this does not depend on php.ini or the locale.
        [$mantissa, $exponent] = array_pad(explode('E', sprintf('%.*H', -1, abs($number))), 2, '0');
        [$whole, $fraction] = array_pad(explode('.', $mantissa), 2, '');
        $fraction = rtrim($fraction, '0');

        return new self((int) ($whole.$fraction), (int) $exponent - strlen($fraction));
    }

    /**
     * Determine whether this is a whole number of steps.
     */
    public function isMultipleOf(self $step): bool
    {
        $rest = $this->digits;

        for ($exponent = $this->exponent; $exponent < $step->exponent && $rest !== 0; $exponent++) {
            if ($rest % 10 !== 0) {
                return false;
            }

            $rest = intdiv($rest, 10);
        }

        for ($rest %= $step->digits; $exponent > $step->exponent && $rest !== 0; $exponent--) {
            $rest = $rest * 10 % $step->digits;
        }

        return $rest === 0;
    }
}
