import {
  type JsonSchema,
  resolveLocalRef,
  schemaElements,
  schemaMembers,
} from "../../envelope/schema-merge.js";
import { allSubschemas } from "../subschemas.js";

type SchemaObject = Readonly<Record<string, unknown>>;

/** Keywords of 2020-12 that draft-07 cannot say, and those that are written otherwise there. */
const lost = ["unevaluatedItems", "unevaluatedProperties", "minContains", "maxContains"];
const rewritten = new Set([
  ...[
    ...lost,
    "$ref",
    "$defs",
    "definitions",
    "prefixItems",
    "items",
    "dependentRequired",
    "dependentSchemas",
  ],
  ...["contains", "allOf", "anyOf", "oneOf", "not", "if", "then", "else"],
  ...["properties", "patternProperties", "additionalProperties", "propertyNames"],
]);

/**
 * Schemas of JSON Schema 2020-12 as draft-07, which AsyncAPI's tools read. Every `$ref` leads to where `refTo` puts its
 * target. Where draft-07 has no word for a rule, the rule is left out: the answer takes whatever the schema takes, and
 * perhaps more.
 */
export class Draft07 {
  /** Whether a rule had to be left out. */
  private readonly looser: boolean;

  constructor(
    private readonly root: JsonSchema,
    private readonly refTo: (target: JsonSchema, pointer: string) => string,
  ) {
    this.looser = allSubschemas(root).some(
      ({ schema }) => typeof schema === "object" && lost.some((keyword) => Object.hasOwn(schema, keyword)),
    );
  }

  of(schema: JsonSchema): JsonSchema {
    if (typeof schema === "boolean") return schema;
    const kept = Object.entries(schema).filter(([keyword]) => !rewritten.has(keyword));
    const own = {
      ...Object.fromEntries(kept),
      ...this.members(schema),
      ...this.elements(schema),
      ...this.dependencies(schema),
      ...this.combined(schema),
    };
    if (typeof schema.$ref !== "string") return own;
    const ref = { $ref: this.refTo(resolveLocalRef(this.root, schema.$ref)!, schema.$ref) };
    return Object.keys(own).length === 0 ? ref : { allOf: [ref, own] }; // beside $ref draft-07 reads nothing
  }

  private members(schema: SchemaObject): SchemaObject {
    return {
      ...this.byName(schema, "properties"),
      ...this.byName(schema, "patternProperties"),
      ...this.single(schema, "additionalProperties"),
      ...this.single(schema, "propertyNames"),
    };
  }

  private elements(schema: SchemaObject): SchemaObject {
    const { prefixItems, items, minContains } = schema;
    const contains = minContains === 0 ? {} : this.single(schema, "contains");
    if (prefixItems === undefined) return { ...this.single(schema, "items"), ...contains };
    const rest = items === undefined ? {} : { additionalItems: this.of(items as JsonSchema) };
    return { items: this.all(prefixItems), ...rest, ...contains };
  }

  private dependencies({ dependentRequired, dependentSchemas }: SchemaObject): SchemaObject {
    const names = Object.entries((dependentRequired ?? {}) as Record<string, readonly string[]>);
    const schemas = schemaMembers(dependentSchemas).map(([name, schema]) => [name, this.of(schema)] as const);
    if (names.length === 0 && schemas.length === 0) return {};
    const dependencies: Record<string, unknown> = Object.fromEntries(names);
    for (const [name, schema] of schemas) {
      const required = dependencies[name];
      dependencies[name] = required === undefined ? schema : { allOf: [{ required }, schema] };
    }
    return { dependencies };
  }

  /** What takes more under `not`, `if` or `oneOf` would make the whole take less. */
  private combined(schema: SchemaObject): SchemaObject {
    const several = (keyword: string, as = keyword) =>
      Object.hasOwn(schema, keyword) ? { [as]: this.all(schema[keyword]) } : {};
    const common = { ...several("allOf"), ...several("anyOf") };
    if (!this.looser) {
      const conditions = ["not", "if", "then", "else"].map((keyword) => this.single(schema, keyword));
      return Object.assign(common, several("oneOf"), ...conditions) as SchemaObject;
    }
    if (!Object.hasOwn(schema, "anyOf")) return { ...common, ...several("oneOf", "anyOf") };
    const also = Object.hasOwn(schema, "oneOf") ? [several("oneOf", "anyOf")] : [];
    const all = [...this.all(schema.allOf), ...also];
    return { ...common, ...(all.length === 0 ? {} : { allOf: all }) };
  }

  private single(schema: SchemaObject, keyword: string): SchemaObject {
    return Object.hasOwn(schema, keyword) ? { [keyword]: this.of(schema[keyword] as JsonSchema) } : {};
  }

  private byName(schema: SchemaObject, keyword: string): SchemaObject {
    if (!Object.hasOwn(schema, keyword)) return {};
    const members = schemaMembers(schema[keyword]).map(([name, member]) => [name, this.of(member)]);
    return { [keyword]: Object.fromEntries(members) };
  }

  private all(schemas: unknown): JsonSchema[] {
    return schemaElements(schemas).map((schema) => this.of(schema));
  }
}
