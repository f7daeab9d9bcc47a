import { durationPattern } from "../duration.js";
import type { Expected } from "../expected.js";
import { sizePattern } from "../limits.js";
import { topicsSchema } from "../structure.js";
import { filterDefinitions } from "./filter-schema.js";

type Schema = Record<string, unknown>;

/**
 * `topicsSchema` in keywords that every editor knows (JSON Schema 2020-12 without our own): it completes and marks
 * most of what `hms-sync topics validate` refuses. Bounds of durations and sizes, and what needs the schemas, it cannot
 * see.
 */
export function editorSchema(): Schema {
  const { $schema, title, description, type, properties, additionalProperties } = topicsSchema;
  return {
    $schema,
    title,
    description,
    type,
    properties: plainMembers(properties),
    patternProperties: { "^[a-z0-9][a-z0-9._-]{0,99}$": plain(additionalProperties) },
    additionalProperties: false,
    $defs: filterDefinitions,
  };
}

function plain(schema: unknown): unknown {
  if (typeof schema !== "object" || schema === null) return schema;
  const { if: condition, then, else: otherwise, ...own } = schema as Schema;
  if (condition !== undefined) return { anyOf: [plain(otherwise), plain(then)], ...plainKeywords(own) };
  return plainKeywords(own);
}

function plainKeywords({ expected, duration, size, filter, ...schema }: Schema): Schema {
  const replaced: Schema = {
    ...(duration === undefined ? {} : { type: "string", pattern: durationPattern }),
    ...(size === undefined ? {} : { type: "string", pattern: sizePattern }),
    ...(filter === undefined ? {} : { $ref: "#/$defs/filter" }),
    ...schema,
    ...descriptionOf(schema, expected as Expected | undefined),
  };
  for (const keyword of ["items", "additionalProperties"]) {
    if (keyword in replaced) replaced[keyword] = plain(replaced[keyword]);
  }
  if ("properties" in replaced) replaced.properties = plainMembers(replaced.properties as Schema);
  return replaced;
}

function plainMembers(members: object): Schema {
  return Object.fromEntries(Object.entries(members).map(([name, schema]) => [name, plain(schema)]));
}

function descriptionOf({ description }: Schema, expected: Expected | undefined): Schema {
  const says = [description, expected && `Write ${expected.write}.`].filter((part) => part !== undefined);
  return says.length === 0 ? {} : { description: says.join(" ") };
}
