import type { Annotations } from "./annotations.js";

/**
 * What values a schema takes, as far as a type of a programming language can say it: never narrower than the schema.
 * Objects refer to each other, and to themselves.
 */
export type Shape =
  | { readonly kind: "any" }
  | { readonly kind: "never" }
  | { readonly kind: "null" }
  | { readonly kind: "boolean" }
  | { readonly kind: "number"; readonly integer: boolean }
  | { readonly kind: "string"; readonly format?: string }
  | ValuesShape
  | ListShape
  | { readonly kind: "map"; readonly values: Shape }
  | { readonly kind: "object"; readonly object: ObjectShape }
  | { readonly kind: "union"; readonly of: readonly Shape[] };

/** One of some values. */
export interface ValuesShape {
  readonly kind: "values";
  /** A name that fits the place, in PascalCase; not unique. */
  readonly name: string;
  readonly values: readonly unknown[];
}

/** An array: some first elements, then any number of others (none where `rest` is `never`). */
export interface ListShape {
  readonly kind: "list";
  readonly first: readonly Shape[];
  /** How many elements there are at least. */
  readonly least: number;
  readonly rest: Shape;
}

/** An object with members of known names. It may have others. */
export interface ObjectShape {
  /** PascalCase, unique in its schema. */
  readonly name: string;
  readonly about: Annotations;
  readonly fields: readonly Field[];
}

export interface Field {
  readonly name: string;
  readonly required: boolean;
  readonly shape: Shape;
  readonly about: Annotations;
}

/** What is one of several shapes; those that say nothing more fall away. */
export function unionOf(shapes: readonly Shape[]): Shape {
  const parts = new Map<unknown, Shape>();
  for (const shape of shapes.flatMap((part) => (part.kind === "union" ? part.of : [part]))) {
    if (shape.kind === "any") return shape;
    if (shape.kind !== "never") parts.set(identityOf(shape), shape);
  }
  const values = [...parts.values()].filter((part): part is ValuesShape => part.kind === "values");
  if (values.length > 1) {
    for (const part of values) parts.delete(identityOf(part));
    parts.set("values", allValues(values));
  }
  const of = [...parts.values()];
  return of.length === 1 ? of[0]! : of.length === 0 ? { kind: "never" } : { kind: "union", of };
}

/** Alternatives of one value each, as people write them to describe every value, are one choice. */
function allValues(parts: readonly ValuesShape[]): ValuesShape {
  const values = new Map(parts.flatMap((part) => part.values).map((value) => [JSON.stringify(value), value]));
  return { kind: "values", name: parts[0]!.name.replace(/Option\d+$/, ""), values: [...values.values()] };
}

/** The same for shapes that are surely the same. */
function identityOf(shape: Shape): unknown {
  if (shape.kind === "object") return shape.object;
  return shape.kind === "list" || shape.kind === "map" ? shape : JSON.stringify(shape);
}
