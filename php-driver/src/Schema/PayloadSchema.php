<?php

namespace HmsSync\Schema;

use Opis\JsonSchema\Errors\ErrorFormatter;
use Opis\JsonSchema\Errors\ValidationError;
use Opis\JsonSchema\Parsers\SchemaParser;
use Opis\JsonSchema\Resolvers\FormatResolver;
use Opis\JsonSchema\SchemaLoader;
use Opis\JsonSchema\Validator;
use stdClass;

/**
 * One version of a topic's payload schema.
 */
class PayloadSchema
{
    /**
     * The most errors that are looked for.
     */
    protected const MAX_ERRORS = 100;

    /**
     * Plain JSON Schema: the extensions of opis/json-schema are keywords that the bus does not know.
     */
    protected const OPTIONS = [
        'allowFilters' => false, 'allowMappers' => false, 'allowTemplates' => false, 'allowGlobals' => false,
        'allowDefaults' => false, 'allowSlots' => false, 'allowKeywordValidators' => false, 'allowPragmas' => false,
        'allowDataKeyword' => false, 'allowRelativeJsonPointerInRef' => false, 'allowExclusiveMinMaxAsBool' => false,
        'decodeContent' => false,
    ];

    /**
     * The validator, which keeps what it compiled.
     */
    protected Validator $validator;

    /**
     * Create a new instance.
     *
     * @param  stdClass  $schema  a schema whose references are all local
     */
    public function __construct(protected stdClass $schema)
    {
        $formats = new FormatResolver;
        Formats::addTo($formats);

        $parser = new SchemaParser(['format' => $formats], self::OPTIONS);
        $parser->addDraft(new Dialect);

        $this->validator = new Validator(new SchemaLoader($parser), self::MAX_ERRORS, false);
    }

    /**
     * Get the payload with defaults filled in and date-times in UTC, as consumers see it.
     *
     * @param  string  $timezone  of date-times without an offset
     *
     * @throws UnknownTimezone
     */
    public function normalize(stdClass $payload, string $timezone): stdClass
    {
        $normalized = (new Normalizer($this->schema, $timezone))->normalize($payload);

        return $normalized instanceof stdClass ? $normalized : $payload;
    }

    /**
     * Get what is wrong with a normalized payload, nothing when it fits.
     *
     * @return list<array{path: string, message: string}>
     */
    public function errors(stdClass $payload): array
    {
        $error = $this->validator->dataValidation($payload, $this->schema);

        return $error === null ? [] : $this->innermost($error, new ErrorFormatter);
    }

    /**
     * Get the errors that have no others for their cause.
     *
     * @return list<array{path: string, message: string}>
     */
    protected function innermost(ValidationError $error, ErrorFormatter $formatter): array
    {
        if ($error->subErrors() === []) {
            return [[
                'path' => $this->pointer($error->data()->fullPath()), 'message' => $formatter->formatErrorMessage($error),
            ]];
        }

        return array_merge(...array_values(array_map(
            fn (ValidationError $inner) => $this->innermost($inner, $formatter), $error->subErrors()
        )));
    }

    /**
     * Get a path as a JSON Pointer.
     *
     * @param  array<array-key, int|string>  $path
     */
    protected function pointer(array $path): string
    {
        return implode('', array_map(fn (int|string $name) => '/'.str_replace(['~', '/'], ['~0', '~1'], (string) $name), $path));
    }
}
