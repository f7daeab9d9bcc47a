// The Laravel package against what a Laravel developer has without it, in one run: what a broadcast() costs beside
// Laravel's own redis driver, and how many events hms-sync:listen handles beside queue:work on a redis queue.
// usage: node bench/laravel.mjs [--rounds 5] [--broadcasts 2000] [--events 5000] [--only broadcast|listen]
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { measureBroadcasts } from "./laravel/broadcast.mjs";
import { measureListening } from "./laravel/listen.mjs";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    broadcasts: { type: "string", default: "2000" },
    events: { type: "string", default: "5000" },
    only: { type: "string", default: "broadcast,listen" },
  },
});
const only = values.only.split(",");
const directory = mkdtempSync(join(tmpdir(), "hms-sync-bench-"));
try {
  const rounds = Number(values.rounds);
  if (only.includes("broadcast")) await measureBroadcasts(directory, rounds, Number(values.broadcasts));
  if (only.includes("listen")) await measureListening(directory, rounds, Number(values.events));
} finally {
  rmSync(directory, { recursive: true, force: true });
}
