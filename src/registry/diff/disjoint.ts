import type { JsonSchema } from "../../envelope/schema-merge.js";
import { accepts } from "./accepts.js";
import type { Conjunction } from "./conjunction.js";
import type { Containment } from "./containment.js";
import { finiteValues } from "./finite-values.js";

/** Whether it is shown that no value fits both `a` and `b`. */
export function disjoint(containment: Containment, a: Conjunction, b: Conjunction): boolean {
  if (a.impossible || b.impossible) return true;
  if (![...a.types].some((type) => b.types.has(type))) return true;
  return (
    listsNothingOf(a, b) ||
    listsNothingOf(b, a) ||
    isExcluded(containment, a, b) ||
    isExcluded(containment, b, a) ||
    haveApartMember(containment, a, b)
  );
}

function listsNothingOf(a: Conjunction, b: Conjunction): boolean {
  const values = finiteValues(a);
  return values?.every((value) => refuses(value, b)) === true;
}

function refuses(value: unknown, b: Conjunction): boolean {
  return b.given.some((schema) => accepts(value, schema, b.root) === false);
}

/** `a` says `not` of something that takes all of `b`. */
function isExcluded(containment: Containment, a: Conjunction, b: Conjunction): boolean {
  return a.all("not").some((not) => containment.holds(b, not as JsonSchema, a.root));
}

/** A member that must be there and cannot be right for both, like a tag that says which alternative is meant. */
function haveApartMember(containment: Containment, a: Conjunction, b: Conjunction): boolean {
  if ([a, b].some(({ types }) => types.size > 1 || !types.has("object"))) return false;
  const required = new Set([...a.all("required"), ...b.all("required")].flat() as string[]);
  return [...required].some((name) => containment.disjoint(a.member(name), b.member(name)));
}
