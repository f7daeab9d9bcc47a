/** The events that settles of one action stand for. */
export function eventsOf(settles: readonly string[], action: string): string[] {
  return settles.flatMap((settle) => {
    const match = /^(\w+) (\S+)\.(\d+)(?:-(\d+))?$/.exec(settle);
    if (match === null || match[1] !== action) return [];
    return range(match[2]!, Number(match[3]), Number(match[4] ?? match[3]));
  });
}

/** The tokens of the events of a lease, from one index to another. */
export function range(lease: string, from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, i) => `${lease}.${from + i}`);
}
