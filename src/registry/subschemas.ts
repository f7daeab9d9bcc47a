import { isSchema, type JsonSchema, schemaElements, schemaMembers } from "../envelope/schema-merge.js";

/** Keywords of JSON Schema 2020-12 whose value is one schema, a list of schemas, or schemas by name. */
const single = [
  ...["items", "contains", "additionalProperties", "propertyNames", "not", "if", "then", "else"],
  ...["unevaluatedItems", "unevaluatedProperties"],
];
const lists = ["allOf", "anyOf", "oneOf", "prefixItems"];
const named = ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"];

/** Keywords whose schemas judge the same value as the schema they stand in. */
const inPlace = new Set(["allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas"]);

/** Keywords of JSON Schema 2020-12 that a payload schema may hold. */
export const keywords: readonly string[] = [
  ...[...single, ...lists, ...named, "$ref", "$defs", "$comment", "type", "enum", "const", "format"],
  ...["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength"],
  ...["pattern", "minItems", "maxItems", "uniqueItems", "minContains", "maxContains", "minProperties"],
  ...["maxProperties", "required", "dependentRequired", "title", "description", "default", "examples"],
  ...["deprecated", "readOnly", "writeOnly", "contentEncoding", "contentMediaType", "contentSchema"],
];

export interface Subschema {
  readonly schema: JsonSchema;
  /** Reference tokens from the schema it stands in: the keyword first. */
  readonly path: readonly string[];
  /** Whether it judges the same value as the schema it stands in. */
  readonly inPlace: boolean;
}

/** The schemas directly inside one. Values of `const`, `default` and the like are none. */
export function subschemasOf(schema: JsonSchema): Subschema[] {
  if (typeof schema === "boolean") return [];
  const at = (keyword: string, rest: readonly string[], sub: JsonSchema): Subschema => ({
    schema: sub,
    path: [keyword, ...rest],
    inPlace: inPlace.has(keyword),
  });
  return [
    ...single.flatMap((keyword) => {
      const sub = schema[keyword];
      return isSchema(sub) ? [at(keyword, [], sub)] : [];
    }),
    ...lists.flatMap((keyword) =>
      schemaElements(schema[keyword]).map((sub, index) => at(keyword, [String(index)], sub)),
    ),
    ...named.flatMap((keyword) =>
      schemaMembers(schema[keyword]).map(([name, sub]) => at(keyword, [name], sub)),
    ),
  ];
}

/** Every schema inside `root`, itself first, with its path. */
export function allSubschemas(root: JsonSchema): { schema: JsonSchema; path: readonly string[] }[] {
  const found: { schema: JsonSchema; path: readonly string[] }[] = [{ schema: root, path: [] }];
  for (const { schema, path } of found) {
    for (const sub of subschemasOf(schema)) found.push({ schema: sub.schema, path: [...path, ...sub.path] });
  }
  return found;
}

/** A JSON Pointer (RFC 6901) of reference tokens. */
export function pointerOf(path: readonly string[]): string {
  return path.map((token) => `/${token.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}
