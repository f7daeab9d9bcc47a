import { systemClock } from "../../src/clock.js";
import type { Holder } from "../../src/delivery.js";
import { Handouts } from "../../src/handouts.js";

/** Holds deliveries for nobody. */
export const nobody: Holder = {
  settles: { settle: () => Promise.resolve(), working: () => Promise.resolve() },
  consumer: undefined,
  handouts: new Handouts(Number.POSITIVE_INFINITY, () => undefined),
  clock: systemClock,
};
