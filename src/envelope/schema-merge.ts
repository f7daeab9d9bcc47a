/** A JSON Schema as it was parsed; `true` and `false` are schemas too. */
export type JsonSchema = Readonly<Record<string, unknown>> | boolean;

/**
 * The schemas that hold for one value together: the given ones and whatever they reach by a local `$ref`, by `allOf`,
 * and by `anyOf` or `oneOf` of one schema and `{"type": "null"}`. Other alternatives are not followed: which one holds
 * is known only after validation.
 */
export function mergedSchemas(schemas: readonly JsonSchema[], root: JsonSchema): Record<string, unknown>[] {
  const merged = new Set<Record<string, unknown>>();
  const waiting = [...schemas];
  for (let schema = waiting.shift(); schema !== undefined; schema = waiting.shift()) {
    if (typeof schema === "boolean" || merged.has(schema)) continue;
    merged.add(schema);
    waiting.unshift(...impliedBy(schema, root));
  }
  return [...merged];
}

/** The schema that a local `$ref` (`#`, `#/…`) names; undefined when there is none. */
export function resolveLocalRef(root: JsonSchema, ref: string): JsonSchema | undefined {
  const path = pointerPath(decodeURIComponent(ref.slice(1)));
  let target: unknown = ref.startsWith("#") ? root : undefined;
  for (const token of path ?? []) {
    if (typeof target !== "object" || target === null || !Object.hasOwn(target, token)) return undefined;
    target = (target as Record<string, unknown>)[token];
  }
  return path !== undefined && isSchema(target) ? target : undefined;
}

/** Reference tokens of a JSON Pointer (RFC 6901); undefined when `pointer` is none. */
export function pointerPath(pointer: string): string[] | undefined {
  if (pointer === "") return [];
  if (!pointer.startsWith("/") || /~(?![01])/.test(pointer)) return undefined;
  return pointer
    .slice(1)
    .split("/")
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** Members of an object-valued keyword such as `properties`. */
export function schemaMembers(keyword: unknown): [string, JsonSchema][] {
  if (typeof keyword !== "object" || keyword === null || Array.isArray(keyword)) return [];
  return Object.entries(keyword).filter((entry): entry is [string, JsonSchema] => isSchema(entry[1]));
}

/** Members of an array-valued keyword such as `prefixItems`. */
export function schemaElements(keyword: unknown): JsonSchema[] {
  return Array.isArray(keyword) ? keyword.filter(isSchema) : [];
}

export function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "boolean" || (typeof value === "object" && value !== null && !Array.isArray(value));
}

function impliedBy(schema: Record<string, unknown>, root: JsonSchema): JsonSchema[] {
  const target = typeof schema.$ref === "string" ? resolveLocalRef(root, schema.$ref) : undefined;
  return [
    ...(target === undefined ? [] : [target]),
    ...schemaElements(schema.allOf),
    ...soleAlternative(schema.anyOf),
    ...soleAlternative(schema.oneOf),
  ];
}

function soleAlternative(keyword: unknown): JsonSchema[] {
  const others = schemaElements(keyword).filter(
    (schema) => typeof schema === "boolean" || schema.type !== "null",
  );
  return others.length === 1 ? others : [];
}
