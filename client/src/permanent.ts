/**
 * Thrown by a handler for an event that can never be taken, however often it comes: it becomes a dead letter. The
 * reason is kept with it and logged: name the field and what is wrong, never its value.
 */
export class Permanent extends Error {
  readonly reason: string;

  constructor(reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.name = "Permanent";
    this.reason = reason;
  }
}
