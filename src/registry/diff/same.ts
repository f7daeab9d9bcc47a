import { isSchema, type JsonSchema, resolveLocalRef } from "../../envelope/schema-merge.js";

/** Keywords that refuse no payload. */
export const annotations: ReadonlySet<string> = new Set([
  ...["$schema", "$comment", "title", "description", "default", "examples", "deprecated", "readOnly"],
  ...["writeOnly", "contentEncoding", "contentMediaType", "contentSchema", "$defs", "definitions"],
]);

/** Keywords that `if` takes along. */
export const branches: ReadonlySet<string> = new Set(["then", "else"]);

/** Lists of which only the members count. */
const sets: ReadonlySet<string> = new Set(["required", "enum", "type"]);

/** Whether two JSON values are equal; the order of members does not count. */
export function equal(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([x], [y]) => (x < y ? -1 : 1)))
      : inner,
  );
}

/** Whether two schemas, each with its root, say the same word for word, apart from annotations. */
export function same(a: JsonSchema, rootA: JsonSchema, b: JsonSchema, rootB: JsonSchema): boolean {
  return new Sameness(rootA, rootB).schemas(a, b);
}

/** Whether two values of the keyword `name` say the same. */
export function sameKeyword(
  name: string,
  a: unknown,
  rootA: JsonSchema,
  b: unknown,
  rootB: JsonSchema,
): boolean {
  return new Sameness(rootA, rootB).keyword(name, a, b);
}

class Sameness {
  /** Pairs under comparison: schemas may lead back to themselves. */
  private readonly open = new Map<JsonSchema, Set<JsonSchema>>();

  constructor(
    private readonly rootA: JsonSchema,
    private readonly rootB: JsonSchema,
  ) {}

  schemas(a: JsonSchema, b: JsonSchema): boolean {
    if (typeof a === "boolean" || typeof b === "boolean") return a === b;
    const known = this.open.get(a) ?? new Set();
    if (known.has(b)) return true;
    this.open.set(a, known.add(b));
    const names = new Set([...Object.keys(a), ...Object.keys(b)]);
    return [...names].every((name) => annotations.has(name) || this.keyword(name, a[name], b[name]));
  }

  keyword(name: string, a: unknown, b: unknown): boolean {
    if (a === undefined || b === undefined) return a === b;
    if (name === "$ref") return this.targets(a as string, b as string);
    if (name === "const") return equal(a, b);
    if (sets.has(name)) return equalSets([a].flat(), [b].flat());
    if (!isContainer(a) || !isContainer(b)) return a === b;
    if (isSchema(a) && isSchema(b) && !namesSchemas.has(name)) return this.schemas(a, b);
    return this.members(a, b);
  }

  private targets(a: string, b: string): boolean {
    const [targetA, targetB] = [resolveLocalRef(this.rootA, a), resolveLocalRef(this.rootB, b)];
    return targetA !== undefined && targetB !== undefined && this.schemas(targetA, targetB);
  }

  private members(a: object, b: object): boolean {
    const [namesA, namesB] = [Object.keys(a), Object.keys(b)];
    if (Array.isArray(a) !== Array.isArray(b) || namesA.length !== namesB.length) return false;
    return namesA.every((name) => {
      const [x, y] = [(a as SchemaMap)[name], (b as SchemaMap)[name]];
      return isSchema(x) && isSchema(y) ? this.schemas(x, y) : equal(x, y);
    });
  }
}

type SchemaMap = Record<string, unknown>;

/** Keywords whose object has names of the payload as members, not keywords. */
const namesSchemas: ReadonlySet<string> = new Set([
  ...["properties", "patternProperties", "dependentSchemas", "dependentRequired", "dependencies"],
]);

function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function equalSets(a: readonly unknown[], b: readonly unknown[]): boolean {
  const within = (x: readonly unknown[], y: readonly unknown[]) =>
    x.every((one) => y.some((other) => equal(one, other)));
  return within(a, b) && within(b, a);
}
