import type { OpenRuns } from "./open-runs.js";
import type { Run } from "./run.js";

/** Leases of a run that may lapse before it is taken apart. */
const MAX_LAPSES = 2;
const SILENT = "no answer within ack_wait";

/**
 * Takes back what was silent past its deadline. A lapsed run counts no attempt against its events; after its second
 * lapse it is taken apart into suspects, which count, back off and die alone. An event silent past its own deadline
 * leaves a run that is otherwise alive.
 */
export function lapseSilent(runs: OpenRuns): void {
  for (const run of runs.all) {
    const { nextDeadline } = run;
    if (nextDeadline === undefined || nextDeadline > runs.now) continue;
    if (run.kind === "single") lapseSingle(runs, run);
    else if (run.owedIndexes.some((index) => run.deadlines![index]! > runs.now)) leaveRun(runs, run);
    else lapseRun(runs, run);
  }
}

function lapseSingle(runs: OpenRuns, run: Run): void {
  const wasSuspect = run.suspect;
  run.unlease();
  run.reason = SILENT;
  if (run.attempts >= runs.policy.maxDeliver) {
    runs.bury(run);
    runs.outcomes.died(run.events[0]!, run.attempts, SILENT);
  } else {
    run.suspect = true;
    retry(runs, run, runs.backoffMs(run.attempts));
  }
  if (wasSuspect) runs.freeLane(run);
}

function leaveRun(runs: OpenRuns, run: Run): void {
  for (const index of run.owedIndexes) {
    if (run.deadlines![index]! > runs.now) continue;
    run.settle(index, "lapsed");
    if (runs.policy.maxDeliver <= 1) runs.outcomes.died(run.events[index]!, 1, SILENT);
    else {
      const single = runs.createSingle(run, index, { attempts: 1, suspect: true, reason: SILENT });
      retry(runs, single, runs.backoffMs(1));
    }
  }
}

function lapseRun(runs: OpenRuns, run: Run): void {
  run.lapses++;
  run.unlease();
  if (run.lapses < MAX_LAPSES) runs.makeReady(run);
  else takeApart(runs, run);
}

function takeApart(runs: OpenRuns, run: Run): void {
  for (const index of run.owedIndexes) {
    runs.joinLane(runs.createSingle(run, index, { suspect: true, reason: SILENT }));
    run.settle(index, "lapsed");
  }
  runs.finish(run);
}

function retry(runs: OpenRuns, run: Run, delayMs: number): void {
  run.dueAt = delayMs > 0 ? runs.now + delayMs : undefined;
  runs.makeReady(run);
}
