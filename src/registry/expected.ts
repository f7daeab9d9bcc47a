/** What a value must be and how to write one: the two halves of an error message, and of the reference page. */
export interface Expected {
  readonly what: string;
  readonly write: string;
}

export const expect = (what: string, write: string): { expected: Expected } => ({
  expected: { what, write },
});

/** A system's name. */
export const name = {
  type: "string",
  pattern: "^[a-z0-9][a-z0-9._-]{0,99}$",
  examples: ["city-health"],
  ...expect("a name", "lower-case letters, digits, dots, hyphens and underscores, like city-health"),
};

export const version = {
  type: "string",
  pattern: "^v[1-9][0-9]{0,3}$",
  examples: ["v1"],
  ...expect("a version", "one like v1"),
};

export const day = 86_400_000;
export const mebibyte = 1_048_576;

/** `duration` is a keyword of structure-check.ts, with its bounds in milliseconds. */
export const duration = (minimum: number, maximum: number, example: string) => ({
  duration: { minimum, maximum },
  examples: [example],
  ...expect(`a duration from ${inWords(minimum)} to ${inWords(maximum)}`, `one like ${example}`),
});

/** A number without fraction between bounds. */
export const wholeNumber = (minimum: number, maximum: number, example: number) => ({
  type: "integer",
  minimum,
  maximum,
  examples: [example],
  ...expect(`a whole number from ${minimum} to ${maximum}`, `one like ${example}`),
});

/** A system's name, or a mapping with its name and options. */
export const named = (options: object) => ({
  if: { type: "object" },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  then: {
    type: "object",
    properties: {
      name: { ...name, description: "Name of the system. A name alone may be written without the braces." },
      ...options,
    },
    required: ["name"],
    additionalProperties: false,
  },
  else: name,
});

function inWords(ms: number): string {
  if (ms % day === 0) return `${ms / day}d`;
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}
