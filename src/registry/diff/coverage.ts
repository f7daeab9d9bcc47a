import type { Casts } from "../../envelope/cast.js";
import { breaking, classify } from "./compatibility.js";
import type { Change } from "./types.js";

/** What a topic's versions are made of. */
export interface Versions {
  readonly schemas: ReadonlyMap<number, object>;
  readonly casts: ReadonlyMap<number, Casts>;
}

/** A stretch between two versions that payloads of the first cannot be trusted to go. */
export interface Gap {
  readonly from: number;
  readonly to: number;
  /** Why: what breaks, or that a casts file has no steps for the direction. */
  readonly changes: readonly Change[];
  readonly missing?: "direction" | "schema";
}

/**
 * Where events of one version cannot become another: neither do declared casts lead there, nor do payloads pass as they
 * are. Changes that break only by chance (`lenient`) do not count: the bus validates what it casts.
 */
export function gapsBetween(versions: Versions, from: number, to: number): Gap[] {
  return stretches(versions, from, to).flatMap((stretch) => gapOf(versions, stretch));
}

/** Whether declared casts lead from one version to another without a step that leaves payloads as they are. */
export function castsLead(versions: Versions, from: number, to: number): boolean {
  return from !== to && stretches(versions, from, to).every((stretch) => stretch.isCast && stretch.hasSteps);
}

interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly isCast: boolean;
  readonly hasSteps: boolean;
}

/** Each cast by itself, versions without casts between them together. */
function stretches({ casts }: Versions, from: number, to: number): Stretch[] {
  const up = from < to;
  const list: Stretch[] = [];
  for (let at = from; at !== to; at += up ? 1 : -1) {
    const next = at + (up ? 1 : -1);
    const cast = casts.get(up ? next : at);
    const last = list.at(-1);
    if (cast === undefined && last?.isCast === false) list[list.length - 1] = { ...last, to: next };
    else {
      const hasSteps = cast?.steps[up ? "up" : "down"] !== undefined;
      list.push({ from: at, to: next, isCast: cast !== undefined, hasSteps });
    }
  }
  return list;
}

function gapOf({ schemas }: Versions, { from, to, isCast, hasSteps }: Stretch): Gap[] {
  if (isCast) return hasSteps ? [] : [{ from, to, changes: [], missing: "direction" }];
  const [lower, higher] = [schemas.get(Math.min(from, to)), schemas.get(Math.max(from, to))];
  if (lower === undefined || higher === undefined) return [{ from, to, changes: [], missing: "schema" }];
  const changes = breaking(classify(lower, higher), from < to ? "up" : "down");
  return changes.length === 0 ? [] : [{ from, to, changes }];
}
