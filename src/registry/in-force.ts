import type { Registry, SystemLimits, Topic } from "./types.js";

/**
 * The registry that the bus goes by right now: whoever holds it sees the next one from the moment it is put in force,
 * between two turns of the event loop and so between two events.
 */
export class RegistryInForce implements Registry {
  constructor(private current: Registry) {}

  get digest(): string {
    return this.current.digest;
  }

  get topics(): ReadonlyMap<string, Topic> {
    return this.current.topics;
  }

  get systems(): ReadonlySet<string> {
    return this.current.systems;
  }

  timezoneOf(source: string): string | undefined {
    return this.current.timezoneOf(source);
  }

  limitsOf(system: string): SystemLimits {
    return this.current.limitsOf(system);
  }

  put(next: Registry): void {
    this.current = next;
  }
}
