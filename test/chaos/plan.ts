import type { Random } from "./random.js";
import type { Fault } from "./world.js";

/** A fault with its time: ms from the beginning of its episode, and how long it lasts. */
export interface PlannedFault {
  readonly fault: Fault;
  readonly atMs: number;
  readonly lastsMs: number;
}

/** Faults that overlap; after the last of them everything is healed and looked at. */
export type Episode = readonly PlannedFault[];

const MOST_AT_ONCE = 3;
const SPREAD_MS = 3_000;
const LASTS_MS = { least: 500, most: 5_000 };

/** Endless episodes of faults at random: the same for the same random numbers and list. */
export function* episodes(faults: readonly Fault[], random: Random): Generator<Episode> {
  if (faults.length === 0) throw new Error("no fault to mix");
  for (;;) yield episode(faults, random);
}

function episode(faults: readonly Fault[], random: Random): Episode {
  const planned: PlannedFault[] = [];
  const touched = new Set<string>();
  const count = random.integer(1, MOST_AT_ONCE);
  for (let n = 0; n < count; n++) {
    const free = faults.filter((fault) => fits(fault, touched, planned));
    if (free.length === 0) break;
    const fault = random.pick(free.flatMap((each) => Array<Fault>(each.weight ?? 1).fill(each)));
    for (const name of fault.touches ?? []) touched.add(name);
    const lastsMs = Math.max(fault.minimumMs ?? 0, random.integer(LASTS_MS.least, LASTS_MS.most));
    planned.push({ fault, atMs: random.integer(0, SPREAD_MS), lastsMs });
    if (fault.touches === undefined) break;
  }
  return planned.sort((one, other) => one.atMs - other.atMs);
}

function fits({ touches }: Fault, touched: ReadonlySet<string>, planned: Episode): boolean {
  if (touches === undefined) return planned.length === 0;
  return !touches.some((name) => touched.has(name));
}

/** One line: what happens when. */
export function inWords(planned: Episode): string {
  return planned
    .map(({ fault, atMs, lastsMs }) => `${fault.name} (${seconds(atMs)} to ${seconds(atMs + lastsMs)})`)
    .join(", ");
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
