/** Also of another copy of this package: an adapter and a library it uses may each have one. */
const BRAND = Symbol.for("@hms-sync/client.Permanent");

/**
 * Thrown by a handler for an event that can never be taken, however often it comes: it becomes a dead letter. The
 * reason is kept with it: name the field and what is wrong, never its value.
 */
export class Permanent extends Error {
  readonly reason: string;

  constructor(reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.name = "Permanent";
    this.reason = reason;
    Object.defineProperty(this, BRAND, { value: true });
  }
}

/** Whether an error was thrown to end an event's way. */
export function isPermanent(error: unknown): error is Permanent {
  return typeof error === "object" && error !== null && BRAND in error;
}
