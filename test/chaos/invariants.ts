import { apart, effectOnce, inOrder, settledOnce, staleSettlesNothing } from "./delivery-invariants.js";
import type { Check } from "./history.js";
import type { Observation } from "./observation.js";
import { accepted, bytesEqual, committed } from "./record-invariants.js";
import { bounded, loud } from "./signal-invariants.js";

export type InvariantName = "I1" | "I2" | "I3" | "I4" | "I5" | "I6" | "I7" | "I8" | "I9" | "I10";

export interface Violation {
  readonly invariant: InvariantName;
  readonly what: string;
}

export const invariants: Readonly<Record<InvariantName, Check>> = {
  I1: accepted,
  I2: settledOnce,
  I3: effectOnce,
  I4: committed,
  I5: inOrder,
  I6: apart,
  I7: staleSettlesNothing,
  I8: bounded,
  I9: loud,
  I10: bytesEqual,
};

/** Everything that is wrong in what was seen; a healthy bus has no violation whatever was done to it. */
export function violationsOf(seen: Observation): Violation[] {
  return Object.entries(invariants).flatMap(([invariant, check]) =>
    check(seen).map((what) => ({ invariant: invariant as InvariantName, what })),
  );
}
