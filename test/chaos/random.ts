/** Random numbers that are the same for the same seed, whatever the machine. */
export interface Random {
  /** From 0 (inclusive) to 1 (exclusive). */
  next(): number;
  /** A whole number, both bounds inclusive. */
  integer(min: number, max: number): number;
  pick<T>(values: readonly T[]): T;
  /** True with this probability. */
  chance(probability: number): boolean;
  /** A generator of its own for a part of the run: how much one part draws never changes what another one gets. */
  fork(part: string): Random;
}

/** mulberry32 */
export function seededRandom(seed: number): Random {
  let state = seed | 0;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  return {
    next,
    integer: (min, max) => min + Math.floor(next() * (max - min + 1)),
    pick(values) {
      if (values.length === 0) throw new Error("nothing to pick from: the list is empty");
      return values[Math.floor(next() * values.length)]!;
    },
    chance: (probability) => next() < probability,
    fork: (part) => seededRandom(hashOf(part, seed)),
  };
}

/** FNV-1a */
function hashOf(text: string, seed: number): number {
  let hash = 0x811c9dc5 ^ seed;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash;
}
