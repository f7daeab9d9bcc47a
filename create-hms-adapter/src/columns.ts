import type { Field, ObjectShape, Shape } from "../../src/registry/catalogue/shape.js";
import type { DatabaseName } from "./databases.js";
import { sqlNameOf } from "./names.js";

/** A column of mapping.yaml. */
export interface Column {
  readonly name: string;
  /** `payload.amount`, or a JSON Pointer where a field's name has a dot. */
  readonly from: string;
  readonly type: string;
  readonly required: boolean;
  /** What the schema says of the field. */
  readonly about?: string;
  /** A list, say, is no value of a column; it is proposed as JSON, in a comment. */
  readonly proposed: boolean;
  /** Names of the field and of the objects it is in. */
  readonly path: readonly string[];
}

export interface ColumnStyle {
  readonly database: DatabaseName;
  readonly letters: "lower" | "upper";
}

const maxDepth = 4;
const maxColumns = 200;

/** A column for each field of a payload; those of an object in it get its name before theirs. */
export function columnsOf(root: ObjectShape, style: ColumnStyle): Column[] {
  const taken = new Set<string>();
  return fieldsOf(root, [], true, maxDepth)
    .slice(0, maxColumns)
    .map(({ path, required, field }) => {
      const type = typeOf(withoutNull(field.shape), field, style.database);
      const { description } = field.about;
      return {
        name: claimed(sqlNameOf(path.join("_"), style.letters), taken),
        from: sourceOf(path),
        type: type ?? "json",
        required: required && type !== undefined && withoutNull(field.shape) === field.shape,
        ...(description === undefined ? {} : { about: description }),
        proposed: type === undefined,
        path,
      };
    });
}

/** The column for an event's own id, by which a row is found when the payload has nothing for that. */
export function eventIdColumn(letters: "lower" | "upper"): Column {
  const about = "Id of the event; one event, one row.";
  const shared = { from: "envelope.id", type: "text(255)", required: true, about, proposed: false };
  return { name: sqlNameOf("eventId", letters), ...shared, path: [] };
}

interface Leaf {
  readonly path: readonly string[];
  readonly required: boolean;
  readonly field: Field;
}

function fieldsOf(object: ObjectShape, path: readonly string[], required: boolean, depth: number): Leaf[] {
  return object.fields.flatMap((field) => {
    const leaf = { path: [...path, field.name], required: required && field.required, field };
    const shape = withoutNull(field.shape);
    if (shape.kind === "never") return [];
    if (shape.kind !== "object" || depth <= 1) return [leaf];
    return fieldsOf(shape.object, leaf.path, leaf.required && shape === field.shape, depth - 1);
  });
}

/** A column may be NULL; the rest of what it holds decides its type. */
function withoutNull(shape: Shape): Shape {
  if (shape.kind !== "union") return shape;
  const rest = shape.of.filter(({ kind }) => kind !== "null");
  return rest.length === 1 && rest.length < shape.of.length ? rest[0]! : shape;
}

/** Undefined for what is no value of a column: lists, maps, alternatives of several kinds. */
function typeOf(shape: Shape, { about }: Field, database: DatabaseName): string | undefined {
  const { bounds } = about;
  switch (shape.kind) {
    case "boolean":
      return database === "oracle" ? "boolean(Y/N)" : "boolean";
    case "number":
      return shape.integer ? integerType(bounds.least, bounds.most) : "decimal(12,2)";
    case "string":
      return textType(shape.format, bounds.longest);
    case "values":
      return typeOfValues(shape.values);
    default:
      return undefined;
  }
}

function integerType(least: number | undefined, most: number | undefined): string {
  return least !== undefined && most !== undefined && least >= -(2 ** 31) && most < 2 ** 31
    ? "integer"
    : "bigint";
}

const formats: Readonly<Record<string, string>> = {
  date: "date",
  "date-time": "timestamp",
  uuid: "text(36)",
};

function textType(format: string | undefined, longest: number | undefined): string {
  return formats[format ?? ""] ?? `text(${longest ?? 255})`;
}

function typeOfValues(values: readonly unknown[]): string | undefined {
  const known = values.filter((value) => value !== null);
  if (known.every((value) => typeof value === "string")) {
    return `text(${Math.max(1, ...known.map((value) => [...(value as string)].length))})`;
  }
  if (known.every((value) => Number.isInteger(value))) return "bigint";
  return known.every((value) => typeof value === "number") ? "decimal(12,2)" : undefined;
}

function sourceOf(path: readonly string[]): string {
  if (path.every((name) => /^[^.\s]+$/.test(name))) return `payload.${path.join(".")}`;
  return path.map((name) => `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

function claimed(wanted: string, taken: Set<string>): string {
  let name = wanted;
  for (let number = 2; taken.has(name.toLowerCase()); number++) name = `${wanted}_${number}`;
  taken.add(name.toLowerCase());
  return name;
}
