import { isMultipleOf } from "../../envelope/multiple-of.js";
import { isSchema, type JsonSchema, resolveLocalRef, schemaElements } from "../../envelope/schema-merge.js";
import { matches, type SchemaObject } from "./conjunction.js";
import { annotations, branches, equal } from "./same.js";

/** True, false, or undefined when it cannot be told. */
type Verdict = boolean | undefined;
type Judge = (value: unknown, demanded: unknown, schema: SchemaObject, root: JsonSchema) => Verdict;

/**
 * Whether a schema takes one value that a schema lists (`enum`, `const`). Decides for text, numbers, booleans and null
 * whatever has no `format`; lists and objects only where the schema lists them itself.
 */
export function accepts(value: unknown, schema: JsonSchema, root: JsonSchema): Verdict {
  if (typeof schema === "boolean") return schema;
  const verdicts = Object.entries(schema).map(([keyword, demanded]) => {
    if (annotations.has(keyword) || branches.has(keyword)) return true;
    const judge = judges[keyword];
    if (judge !== undefined) return judge(value, demanded, schema, root);
    return typeof value === "object" && value !== null ? undefined : forContainers.has(keyword) || undefined;
  });
  return every(verdicts);
}

/** Keywords that judge lists and objects alone. */
const forContainers: ReadonlySet<string> = new Set([
  ...["properties", "required", "additionalProperties", "patternProperties", "propertyNames"],
  ...["minProperties", "maxProperties", "dependentRequired", "dependentSchemas", "dependencies"],
  ...["items", "prefixItems", "contains", "minContains", "maxContains", "minItems", "maxItems"],
  ...["uniqueItems", "unevaluatedProperties", "unevaluatedItems"],
]);

const number =
  (holds: (value: number, bound: number) => boolean): Judge =>
  (value, bound) =>
    typeof value !== "number" || holds(value, bound as number);
const text =
  (holds: (value: string, demanded: unknown) => Verdict): Judge =>
  (value, demanded) =>
    typeof value !== "string" || holds(value, demanded);

const judges: Readonly<Record<string, Judge>> = {
  type: (value, types, schema) =>
    ([types].flat() as string[]).some((type) => hasType(value, type)) ||
    (schema.nullable === true && value === null),
  nullable: () => true,
  enum: (value, values) => (values as unknown[]).some((each) => equal(each, value)),
  const: (value, one) => equal(value, one),
  minimum: number((value, bound) => value >= bound),
  maximum: number((value, bound) => value <= bound),
  exclusiveMinimum: number((value, bound) => value > bound),
  exclusiveMaximum: number((value, bound) => value < bound),
  multipleOf: number((value, bound) => isMultipleOf(value, bound)),
  minLength: text((value, length) => [...value].length >= (length as number)),
  maxLength: text((value, length) => [...value].length <= (length as number)),
  pattern: text((value, pattern) => matches(pattern as string, value)),
  format: text(() => undefined),
  $ref: (value, ref, _, root) => {
    const target = resolveLocalRef(root, ref as string);
    return target === undefined ? undefined : accepts(value, target, root);
  },
  not: (value, schema, _, root) => negated(accepts(value, schema as JsonSchema, root)),
  allOf: (value, schemas, _, root) => every(verdictsOf(value, schemas, root)),
  anyOf: (value, schemas, _, root) => negated(every(verdictsOf(value, schemas, root).map(negated))),
  oneOf: (value, schemas, _, root) => exactlyOne(verdictsOf(value, schemas, root)),
  if: (value, condition, schema, root) => {
    const met = accepts(value, condition as JsonSchema, root);
    const branch = met === undefined ? undefined : schema[met ? "then" : "else"];
    if (met === undefined) return undefined;
    return isSchema(branch) ? accepts(value, branch, root) : true;
  },
};

function verdictsOf(value: unknown, schemas: unknown, root: JsonSchema): Verdict[] {
  return schemaElements(schemas).map((schema) => accepts(value, schema, root));
}

function every(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes(false)) return false;
  return verdicts.includes(undefined) ? undefined : true;
}

function exactlyOne(verdicts: readonly Verdict[]): Verdict {
  const fitting = verdicts.filter((verdict) => verdict === true).length;
  if (fitting > 1) return false;
  return verdicts.includes(undefined) ? undefined : fitting === 1;
}

function negated(verdict: Verdict): Verdict {
  return verdict === undefined ? undefined : !verdict;
}

function hasType(value: unknown, type: string): boolean {
  if (type === "null") return value === null;
  if (type === "array") return Array.isArray(value);
  if (type === "integer") return Number.isInteger(value);
  if (type === "object") return typeof value === "object" && value !== null && !Array.isArray(value);
  return typeof value === type;
}
