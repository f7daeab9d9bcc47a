import { latency } from "./latency.mjs";
import { throughput } from "./throughput.mjs";

/** Parts of the bench by the letter that --only takes. */
export const parts = { a: throughput, b: latency };
