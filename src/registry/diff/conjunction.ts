import {
  type JsonSchema,
  resolveLocalRef,
  schemaElements,
  schemaMembers,
} from "../../envelope/schema-merge.js";

export type SchemaObject = Readonly<Record<string, unknown>>;

/** The types of JSON; `fraction` is a number that is no integer. */
export type ValueType = "null" | "boolean" | "integer" | "fraction" | "string" | "array" | "object";

const allTypes: readonly ValueType[] = [
  "null",
  "boolean",
  "integer",
  "fraction",
  "string",
  "array",
  "object",
];

/**
 * Schemas that hold for one value together: the given ones and what they reach by `$ref` and `allOf`. Says of a place
 * below which schemas hold for it.
 */
export class Conjunction {
  /** The given schemas followed by what they imply, each once. */
  readonly schemas: readonly SchemaObject[];
  /** No value fits. */
  readonly impossible: boolean;
  readonly types: ReadonlySet<ValueType>;

  constructor(
    readonly given: readonly JsonSchema[],
    readonly root: JsonSchema,
  ) {
    const { schemas, impossible } = flatten(given, root);
    this.schemas = schemas;
    const types = schemas.map(typesOf);
    this.types = new Set(allTypes.filter((type) => types.every((each) => each.has(type))));
    this.impossible = impossible || this.types.size === 0;
  }

  /** The same with more schemas. */
  and(...more: readonly JsonSchema[]): Conjunction {
    return new Conjunction([...this.given, ...more], this.root);
  }

  /** What the schemas say for a keyword, as far as they do. */
  all(keyword: string): unknown[] {
    return this.schemas.filter((schema) => Object.hasOwn(schema, keyword)).map((schema) => schema[keyword]);
  }

  requires(name: string): boolean {
    return this.all("required").some((names) => (names as string[]).includes(name));
  }

  /** Names that `properties` describe. */
  names(): Set<string> {
    return new Set(this.all("properties").flatMap((members) => schemaMembers(members).map(([name]) => name)));
  }

  /** What holds for the member `name`. */
  member(name: string): Conjunction {
    return new Conjunction(
      this.schemas.flatMap((schema) => memberSchemas(schema, name)),
      this.root,
    );
  }

  /** What holds for the element at `index`. */
  element(index: number): Conjunction {
    const schemas = this.schemas.flatMap((schema) => {
      const own = schemaElements(schema.prefixItems)[index] ?? schema.items;
      return own === undefined ? [] : [own as JsonSchema];
    });
    return new Conjunction(schemas, this.root);
  }

  /** How many elements have a schema of their own. */
  prefixLength(): number {
    return Math.max(0, ...this.all("prefixItems").map((items) => schemaElements(items).length));
  }

  /** The greatest of the numbers given for a keyword of the `min…` kind, or undefined. */
  greatest(keyword: string): number | undefined {
    const numbers = this.all(keyword) as number[];
    return numbers.length === 0 ? undefined : Math.max(...numbers);
  }

  /** The smallest of the numbers given for a keyword of the `max…` kind, or undefined. */
  smallest(keyword: string): number | undefined {
    const numbers = this.all(keyword) as number[];
    return numbers.length === 0 ? undefined : Math.min(...numbers);
  }
}

function flatten(
  given: readonly JsonSchema[],
  root: JsonSchema,
): { schemas: SchemaObject[]; impossible: boolean } {
  const seen = new Set<SchemaObject>();
  const waiting = [...given];
  let impossible = false;
  for (let schema = waiting.shift(); schema !== undefined; schema = waiting.shift()) {
    if (schema === false) impossible = true;
    if (typeof schema === "boolean" || seen.has(schema)) continue;
    seen.add(schema);
    const target = typeof schema.$ref === "string" ? resolveLocalRef(root, schema.$ref) : undefined;
    waiting.unshift(...(target === undefined ? [] : [target]), ...schemaElements(schema.allOf));
  }
  return { schemas: [...seen], impossible };
}

/** Asked for again and again while alternatives are compared with each other. */
const knownTypes = new WeakMap<SchemaObject, ReadonlySet<ValueType>>();

function typesOf(schema: SchemaObject): ReadonlySet<ValueType> {
  const known = knownTypes.get(schema) ?? readTypes(schema);
  knownTypes.set(schema, known);
  return known;
}

const everyType: ReadonlySet<ValueType> = new Set(allTypes);

function readTypes(schema: SchemaObject): ReadonlySet<ValueType> {
  if (schema.type === undefined) return everyType;
  const names = [schema.type].flat() as string[];
  const types = names.flatMap((name) => (name === "number" ? ["integer", "fraction"] : [name]));
  return new Set([...types, ...(schema.nullable === true ? ["null"] : [])]) as Set<ValueType>;
}

/** What one schema says of a member: by its name, by patterns, else as one of the others. */
function memberSchemas(schema: SchemaObject, name: string): JsonSchema[] {
  const properties = (schema.properties ?? {}) as Record<string, JsonSchema>;
  const own = Object.hasOwn(properties, name) ? [properties[name]!] : [];
  const matching = schemaMembers(schema.patternProperties).filter(([pattern]) => matches(pattern, name));
  const described = [...own, ...matching.map(([, sub]) => sub)];
  if (described.length > 0) return described;
  return schema.additionalProperties === undefined ? [] : [schema.additionalProperties as JsonSchema];
}

/** As ajv reads a pattern. */
export function matches(pattern: string, text: string): boolean {
  return new RegExp(pattern, "u").test(text);
}
