type SchemaObject = Readonly<Record<string, unknown>>;

/** What a schema says of a value for people. */
export interface Annotations {
  readonly title?: string;
  readonly description?: string;
  readonly deprecated: boolean;
  /** What the bus fills in when the value is missing; a list of one, or empty. */
  readonly defaults: readonly unknown[];
  readonly examples: readonly unknown[];
  /** Limits in words: `at least 1`, `at most 200 characters`. */
  readonly limits: readonly string[];
  /** The same as numbers, as far as an example has to keep to them. */
  readonly bounds: Bounds;
}

export interface Bounds {
  readonly least?: number;
  readonly above?: number;
  readonly most?: number;
  readonly below?: number;
  readonly step?: number;
  readonly shortest?: number;
  readonly longest?: number;
}

/** What schemas that hold together say; of two descriptions the first. */
export function annotationsOf(schemas: readonly SchemaObject[]): Annotations {
  const first = (keyword: string) => schemas.find((schema) => Object.hasOwn(schema, keyword))?.[keyword];
  const title = text(first("title"));
  const description = text(first("description")) ?? title;
  const filled = schemas.find((schema) => Object.hasOwn(schema, "default"));
  return {
    ...(title === undefined ? {} : { title }),
    ...(description === undefined ? {} : { description }),
    deprecated: schemas.some((schema) => schema.deprecated === true),
    defaults: filled === undefined ? [] : [filled.default],
    examples: schemas.flatMap(({ examples }) => (Array.isArray(examples) ? examples : [])),
    limits: [...new Set(schemas.flatMap(limitsOf))],
    bounds: boundsOf(Object.assign({}, ...schemas) as SchemaObject),
  };
}

const words: readonly (readonly [keyword: string, tell: (limit: unknown) => string])[] = [
  ["minimum", (limit) => `at least ${limit}`],
  ["exclusiveMinimum", (limit) => `more than ${limit}`],
  ["maximum", (limit) => `at most ${limit}`],
  ["exclusiveMaximum", (limit) => `less than ${limit}`],
  ["multipleOf", (limit) => `a multiple of ${limit}`],
  ["minLength", (limit) => `at least ${counted(limit, "character")}`],
  ["maxLength", (limit) => `at most ${counted(limit, "character")}`],
  ["pattern", (limit) => `matches ${limit}`],
  ["minItems", (limit) => `at least ${counted(limit, "element")}`],
  ["maxItems", (limit) => `at most ${counted(limit, "element")}`],
  ["uniqueItems", (limit) => (limit === true ? "no element twice" : "")],
];

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function boundsOf(schema: SchemaObject): Bounds {
  const keywords = {
    least: "minimum",
    above: "exclusiveMinimum",
    most: "maximum",
    below: "exclusiveMaximum",
    step: "multipleOf",
    shortest: "minLength",
    longest: "maxLength",
  };
  const bounds = Object.entries(keywords).map(([name, keyword]) => [name, schema[keyword]]);
  return Object.fromEntries(bounds.filter(([, bound]) => typeof bound === "number"));
}

function limitsOf(schema: SchemaObject): string[] {
  return words
    .map(([keyword, tell]) => (Object.hasOwn(schema, keyword) ? tell(schema[keyword]) : ""))
    .filter((text) => text !== "");
}

function counted(count: unknown, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
