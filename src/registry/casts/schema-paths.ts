import {
  isSchema,
  type JsonSchema,
  resolveLocalRef,
  schemaElements,
  schemaMembers,
} from "../../envelope/schema-merge.js";
import { subschemasOf } from "../subschemas.js";

type SchemaObject = Readonly<Record<string, unknown>>;

/** Where a path leaves what a schema describes. */
export interface LostPath {
  /** Index of the first token that leads nowhere. */
  readonly at: number;
  /** The names that the schema has there. */
  readonly known: readonly string[];
}

/**
 * Follows the tokens of a path through a bundled schema, every alternative of it; `*` is every element of an array.
 * Undefined when a payload may have such a value as far as can be seen: where a schema names no members at all, any
 * name will do.
 */
export function lostIn(root: JsonSchema, path: readonly string[]): LostPath | undefined {
  let schemas = inPlaceOf([root], root);
  for (const [at, token] of path.entries()) {
    if (schemas.some((schema) => schema === true)) return undefined;
    const objects = schemas.filter((schema): schema is SchemaObject => typeof schema === "object");
    const next = objects.flatMap((schema) => stepInto(schema, token));
    if (next.length === 0) return namesNothing(objects) ? undefined : { at, known: objects.flatMap(namesOf) };
    schemas = inPlaceOf(next, root);
  }
  return undefined;
}

/** The schemas and all that they apply to the same value, as alternatives too, but not what it must not be. */
function inPlaceOf(schemas: readonly JsonSchema[], root: JsonSchema): JsonSchema[] {
  const found = new Set<JsonSchema>();
  const waiting = [...schemas];
  for (let schema = waiting.pop(); schema !== undefined; schema = waiting.pop()) {
    if (found.has(schema)) continue;
    found.add(schema);
    if (typeof schema === "boolean") continue;
    const target = typeof schema.$ref === "string" ? resolveLocalRef(root, schema.$ref) : undefined;
    if (target !== undefined) waiting.push(target);
    for (const sub of subschemasOf(schema)) {
      if (sub.inPlace && sub.path[0] !== "not") waiting.push(sub.schema);
    }
  }
  // Next to what says something, an empty alternative says nothing.
  const telling = [...found].filter((schema) => typeof schema !== "boolean");
  return telling.length > 0 ? telling : [...found];
}

function stepInto(schema: SchemaObject, token: string): JsonSchema[] {
  const prefix = schemaElements(schema.prefixItems);
  const elements =
    token === "*"
      ? [...prefix, schema.items]
      : /^\d+$/.test(token)
        ? [prefix[Number(token)] ?? schema.items]
        : [];
  const named = schemaMembers(schema.properties).filter(([name]) => name === token);
  const patterned = schemaMembers(schema.patternProperties).filter(([pattern]) =>
    new RegExp(pattern, "u").test(token),
  );
  const members = [...named, ...patterned].map(([, sub]) => sub);
  const others = members.length > 0 ? [] : [schema.additionalProperties, schema.unevaluatedProperties];
  return [...members, ...elements, ...others].filter(
    (sub): sub is JsonSchema => isSchema(sub) && sub !== false,
  );
}

function namesNothing(schemas: readonly SchemaObject[]): boolean {
  const speaks = [
    "properties",
    "patternProperties",
    "additionalProperties",
    "unevaluatedProperties",
    "items",
    "prefixItems",
  ];
  return !schemas.some(
    (schema) => speaks.some((keyword) => Object.hasOwn(schema, keyword)) || isScalarOnly(schema.type),
  );
}

function isScalarOnly(type: unknown): boolean {
  const types = [type].flat();
  return type !== undefined && !types.includes("object") && !types.includes("array");
}

function namesOf(schema: SchemaObject): string[] {
  return schemaMembers(schema.properties).map(([name]) => name);
}
