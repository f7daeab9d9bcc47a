<?php

namespace HmsSync\Schema;

use Opis\JsonSchema\Info\SchemaInfo;
use Opis\JsonSchema\Keyword;
use Opis\JsonSchema\Parsers\Keywords\MultipleOfKeywordParser;
use Opis\JsonSchema\Parsers\SchemaParser;

/**
 * Reads the keyword "multipleOf" of a schema.
 */
class MultipleOfParser extends MultipleOfKeywordParser
{
    /**
     * Get the keyword, null when the schema does not have it.
     */
    public function parse(SchemaInfo $info, SchemaParser $parser, object $shared): ?Keyword
    {
        return parent::parse($info, $parser, $shared) === null ? null : new MultipleOfKeyword($this->keywordValue($info));
    }
}
