import type { JsonSchema } from "../../envelope/schema-merge.js";
import type { Conjunction } from "./conjunction.js";
import type { Finding } from "./types.js";

/** A place of the payload as both sides see it. */
export interface Place {
  readonly given: Conjunction;
  readonly demanded: JsonSchema;
  readonly root: JsonSchema;
  readonly path: readonly string[];
}

/** A demand that could not be decided. */
export function undecided(place: Place, keyword: string): Finding {
  return { path: place.path, keyword, given: undefined, demanded: undefined, undecided: true };
}
