<?php

namespace HmsSync\Schema;

use Opis\JsonSchema\Parsers\Drafts\Draft202012;
use Opis\JsonSchema\Parsers\KeywordParser;
use Opis\JsonSchema\Parsers\Keywords\MultipleOfKeywordParser;

/**
 * JSON Schema 2020-12 as the bus reads it: "multipleOf" counts in decimals, where opis/json-schema divides binary
 * fractions and refuses 64.07 for 0.01.
 */
class Dialect extends Draft202012
{
    /**
     * Get what reads the keywords.
     *
     * @return list<KeywordParser>
     */
    protected function getKeywordParsers(): array
    {
        return array_values(array_map(
            fn (KeywordParser $parser) => $parser instanceof MultipleOfKeywordParser ? new MultipleOfParser('multipleOf') : $parser,
            parent::getKeywordParsers()
        ));
    }
}
