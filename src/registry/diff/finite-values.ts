import { accepts } from "./accepts.js";
import type { Conjunction } from "./conjunction.js";

/** The values that fit, when the schemas list them. */
export function finiteValues(given: Conjunction): unknown[] | undefined {
  const [listed] = [...given.all("enum"), ...given.all("const").map((value) => [value])] as unknown[][];
  const values = listed ?? (isTiny(given) ? tinyValues(given) : undefined);
  return values?.filter((value) =>
    given.given.every((schema) => accepts(value, schema, given.root) !== false),
  );
}

function isTiny({ types }: Conjunction): boolean {
  return [...types].every((type) => type === "boolean" || type === "null");
}

function tinyValues({ types }: Conjunction): unknown[] {
  return [...types].flatMap((type) => (type === "null" ? [null] : [true, false]));
}
