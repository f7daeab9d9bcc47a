import type { Observation } from "./observation.js";
import type { Operation } from "./operation-log.js";

/** What is wrong in what was seen, in words. */
export type Check = (seen: Observation) => string[];

/** A loss lies between these times: what Redis knew at the first, it may have forgotten at the second. */
export function forgotten({ losses }: Observation, from: number, to: number): boolean {
  return losses.some(({ at }) => from <= at && to >= at);
}

/**
 * Events that Redis may have lost and that were sent again for that, or whose client was still at it: their place in the
 * ledger is another one than before, and nobody promises their order.
 */
export function movedEvents({ operations, losses }: Observation): ReadonlySet<string> {
  const overIt = ({ attempts }: Operation) => {
    const [first, last] = [attempts[0]!, attempts.at(-1)!];
    return losses.some(({ at }) => first.at <= at && (last.until ?? last.at) >= at);
  };
  const moved = losses.flatMap(({ sentAgain }) => [...sentAgain]);
  return new Set([...moved, ...operations.filter(overIt).map(({ id }) => id)]);
}

export function nameOf(topic: string, id: string): string {
  return `${topic}/${id}`;
}

export function twice(names: readonly string[]): string[] {
  const seen = new Set<string>();
  return [...new Set(names.filter((name) => seen.size === seen.add(name).size))];
}
