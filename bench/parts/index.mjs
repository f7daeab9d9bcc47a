import { adapter } from "./adapter.mjs";
import { backlog } from "./backlog.mjs";
import { http } from "./http.mjs";
import { idle } from "./idle.mjs";
import { latency } from "./latency.mjs";
import { replay } from "./replay.mjs";
import { soak } from "./soak.mjs";
import { throughput } from "./throughput.mjs";

/** Parts of the bench by the letter that --only takes. */
export const parts = {
  a: throughput,
  b: latency,
  c: backlog,
  d: replay,
  e: idle,
  f: http,
  g: soak,
  h: adapter,
};
