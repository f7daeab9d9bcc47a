import { arrayKeywords } from "./array-keywords.js";
import type { SchemaObject, ValueType } from "./conjunction.js";
import type { Containment } from "./containment.js";
import { logicKeywords } from "./logic-keywords.js";
import { objectKeywords } from "./object-keywords.js";
import { type Place, undecided } from "./place.js";
import { annotations, branches, sameKeyword } from "./same.js";
import { scalarKeywords } from "./scalar-keywords.js";
import type { Finding } from "./types.js";

/** One keyword of a demanded schema. */
export interface Demand<T = unknown> {
  readonly containment: Containment;
  readonly place: Place;
  /** The schema that the keyword stands in. */
  readonly schema: SchemaObject;
  readonly keyword: string;
  readonly value: T;
}

export interface Keyword {
  /** Types of values that the keyword judges; undefined: every type. */
  readonly types?: readonly ValueType[];
  check(demand: Demand<never>): Finding[];
}

const keywords: Readonly<Record<string, Keyword>> = {
  ...scalarKeywords,
  ...objectKeywords,
  ...arrayKeywords,
  ...logicKeywords,
};

/** The demands of one schema, without those of what it refers to, that the given side does not promise. */
export function checkKeywords(containment: Containment, place: Place, schema: SchemaObject): Finding[] {
  return Object.entries(schema).flatMap(([keyword, value]) => {
    if (annotations.has(keyword) || branches.has(keyword) || promisedWordForWord(place, keyword, value))
      return [];
    const known = keywords[keyword];
    if (known === undefined) return [undecided(place, keyword)];
    if (known.types?.every((type) => !place.given.types.has(type))) return [];
    return known.check({ containment, place, schema, keyword, value: value as never });
  });
}

/** What a keyword means beside others is more than its own words. */
const dependent: ReadonlySet<string> = new Set([
  ...["additionalProperties", "unevaluatedProperties", "unevaluatedItems", "items"],
  ...["if", "then", "else", "contains", "minContains", "maxContains"],
]);

function promisedWordForWord({ given, root }: Place, keyword: string, value: unknown): boolean {
  if (dependent.has(keyword)) return false;
  return given.all(keyword).some((own) => sameKeyword(keyword, own, given.root, value, root));
}
