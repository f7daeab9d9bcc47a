<?php

namespace HmsSync\Schema;

use Opis\JsonSchema\Errors\ValidationError;
use Opis\JsonSchema\Keywords\MultipleOfKeyword as BinaryMultipleOfKeyword;
use Opis\JsonSchema\Schema;
use Opis\JsonSchema\ValidationContext;

/**
 * The keyword "multipleOf", counted in decimals.
 */
class MultipleOfKeyword extends BinaryMultipleOfKeyword
{
    /**
     * Validate the number that the context is at.
     */
    public function validate(ValidationContext $context, Schema $schema): ?ValidationError
    {
        if (Decimal::of($context->currentData())->isMultipleOf(Decimal::of($this->number))) {
            return null;
        }

        return $this->error($schema, $context, 'multipleOf', 'Number must be a multiple of {divisor}', ['divisor' => $this->number]);
    }
}
