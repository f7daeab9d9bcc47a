import type { Field, ObjectShape, Shape } from "./shape.js";
import type { SchemaShapes } from "./shape-reader.js";

/** One field of a payload for a table. */
export interface FieldRow {
  /** `address.zip`; `findings[].code` for a field of an array's elements. */
  readonly path: string;
  /** In words: `integer`, `text, date-time`, `"a" or "b"`. */
  readonly type: string;
  /** Whether it is there whenever the object around it is. */
  readonly required: boolean;
  /** Description, limits, default. */
  readonly texts: readonly string[];
}

const maxRows = 2_000;

/** Every field of a payload, those of inner objects below them; an object inside itself is not told again. */
export function fieldRows({ root }: SchemaShapes): FieldRow[] {
  const rows: FieldRow[] = [];
  addRows(root, "", [], rows);
  return rows;
}

function addRows(shape: Shape, path: string, around: readonly ObjectShape[], rows: FieldRow[]): void {
  for (const [inner, place] of objectsIn(shape, path)) {
    if (around.includes(inner)) continue;
    for (const field of inner.fields) {
      if (rows.length >= maxRows) return;
      const at = place === "" ? field.name : `${place}.${field.name}`;
      rows.push({ path: at, type: typeText(field.shape), required: field.required, texts: textsOf(field) });
      addRows(field.shape, at, [...around, inner], rows);
    }
  }
}

function objectsIn(shape: Shape, path: string): [ObjectShape, string][] {
  if (shape.kind === "object") return [[shape.object, path]];
  if (shape.kind === "union") return shape.of.flatMap((part) => objectsIn(part, path));
  if (shape.kind === "map") return objectsIn(shape.values, `${path}.*`);
  if (shape.kind !== "list") return [];
  return [...shape.first, shape.rest].flatMap((part) => objectsIn(part, `${path}[]`));
}

function textsOf({ about: { description, deprecated, limits, defaults } }: Field): string[] {
  return [
    ...(deprecated ? ["Deprecated."] : []),
    ...(description === undefined ? [] : [description]),
    ...(limits.length === 0 ? [] : [`${limits.join(", ")}.`]),
    ...defaults.map((value) => `Filled in when missing: ${JSON.stringify(value)}.`),
  ];
}

function typeText(shape: Shape): string {
  switch (shape.kind) {
    case "any":
      return "anything";
    case "never":
      return "nothing";
    case "boolean":
      return "true or false";
    case "number":
      return shape.integer ? "integer" : "number";
    case "string":
      return shape.format === undefined ? "text" : `text, ${shape.format}`;
    case "values":
      return shape.values.map((value) => JSON.stringify(value)).join(" or ");
    case "list":
      return listText(shape.first, shape.rest);
    case "union":
      return [...new Set(shape.of.map(typeText))].join(" or ");
    case "map":
      return shape.values.kind === "any" ? "object" : `object of ${typeText(shape.values)}`;
    default:
      return shape.kind; // null and object
  }
}

function listText(first: readonly Shape[], rest: Shape): string {
  if (first.length === 0) return rest.kind === "any" ? "list" : `list of ${typeText(rest)}`;
  const others = rest.kind === "never" ? [] : ["…"];
  return `list: ${[...first.map(typeText), ...others].join(", ")}`;
}
