import type { JsonSchema } from "../../envelope/schema-merge.js";
import { Conjunction } from "./conjunction.js";
import { Containment } from "./containment.js";

/**
 * Whether payloads written by the older schema may pass as the newer one just as they are, so that nobody notices that
 * they were never cast. False only when every one of them is refused, but for members it has by chance.
 */
export function mayPassAs(older: object, newer: object): boolean {
  const old = new Conjunction([older as JsonSchema], older as JsonSchema);
  const now = new Conjunction([newer as JsonSchema], newer as JsonSchema);
  const lacking = [...now.all("required")].flat().some((name) => !old.names().has(name as string));
  const required = old.all("required").flat() as string[];
  const apart = required.some((name) => new Containment().disjoint(old.member(name), now.member(name)));
  return !lacking && !apart;
}
