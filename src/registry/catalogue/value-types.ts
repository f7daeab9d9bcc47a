type SchemaObject = Readonly<Record<string, unknown>>;

/** The types that all schemas allow; undefined when none names any. */
export function typesOf(schemas: readonly SchemaObject[]): string[] | undefined {
  const named = schemas.flatMap(({ type }) => (type === undefined ? [] : [[type].flat() as string[]]));
  return named.length === 0 ? undefined : named.reduce(common);
}

/** The values that all of `enum` and `const` allow; undefined when there are none of these. */
export function allowedValues(schemas: readonly SchemaObject[]): unknown[] | undefined {
  const lists = schemas.flatMap((schema) => [
    ...(Array.isArray(schema.enum) ? [schema.enum as unknown[]] : []),
    ...(Object.hasOwn(schema, "const") ? [[schema.const]] : []),
  ]);
  if (lists.length === 0) return undefined;
  return lists.reduce((a, b) => a.filter((value) => b.some((other) => isSame(value, other))));
}

/** Whether a value is of one of the types. */
export function typeOfValue(value: unknown, types: readonly string[]): boolean {
  if (value === null) return types.includes("null");
  if (Array.isArray(value)) return types.includes("array");
  if (typeof value !== "number") return types.includes(typeof value);
  return types.includes("number") || (types.includes("integer") && Number.isInteger(value));
}

function common(a: readonly string[], b: readonly string[]): string[] {
  const has = (types: readonly string[], type: string) =>
    types.includes(type) || (type === "integer" && types.includes("number"));
  return [...new Set([...a, ...b])].filter((type) => has(a, type) && has(b, type));
}

/** Equal as JSON; members in any order. */
function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => [name, sorted(member)]);
}
