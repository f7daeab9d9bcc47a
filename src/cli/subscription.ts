import { HmsSyncError } from "../errors.js";
import type { EventStream } from "./gateway-client.js";
import { ReadPosition } from "./read-position.js";

export interface SubscriptionParts {
  /** Asks the gateway for the events since then. */
  open(since: string | undefined, signal: AbortSignal): Promise<EventStream>;
  /** Prints whole lines; rejects when nobody reads them any more. */
  print(lines: Uint8Array): Promise<void>;
  note(text: string): void;
  /** Waits between two tries; the number of failures in a row is at least 1. */
  pause(failures: number, signal: AbortSignal): Promise<void>;
}

const newline = 0x0a;
/** Tries in a row (about 30 s) to read on to the ledger's end; a follower tries for ever. */
const maxTriesToTheEnd = 10;

/** Prints the events of one topic, line by line as the gateway sends them, whatever happens to the connection. */
export class Subscription {
  private readonly position: ReadPosition;
  private connectedOnce = false;
  private failures = 0;
  private clockOffsetMs = 0;

  constructor(
    private readonly parts: SubscriptionParts,
    private readonly topic: string,
    private readonly options: { readonly since: string | undefined; readonly follow: boolean },
  ) {
    this.position = new ReadPosition(options.since);
  }

  /**
   * Resolves at the ledger's end, or when following only when `signal` aborts. Rejects when the first connection
   * cannot be made, when the gateway refuses, when the lines cannot be printed, and, unless it follows, when the bus
   * stays away.
   */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const whole = await this.read(signal);
        if (whole && !this.options.follow) return;
        this.lost("the bus ended the stream");
      } catch (error) {
        if (signal.aborted) return;
        if (!this.connectedOnce || !mayPass(error) || this.gaveUp()) throw error;
        this.lost(error.message);
      }
      await this.parts.pause(this.failures, signal);
    }
  }

  /** One connection up to its end; false when that was in the middle of a line. */
  private async read(signal: AbortSignal): Promise<boolean> {
    const asked = this.now();
    const stream = await this.parts.open(this.position.next(asked), signal);
    this.clockOffsetMs = stream.clockOffsetMs;
    this.position.connected(asked + (this.connectedOnce ? 0 : stream.clockOffsetMs));
    this.connected();
    let rest: Uint8Array = new Uint8Array();
    for await (const chunk of stream.chunks) {
      const text = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const end = text.lastIndexOf(newline) + 1;
      this.failures = 0;
      await this.print(text.subarray(0, end));
      rest = text.subarray(end);
    }
    return rest.length === 0;
  }

  /** Prints what is new of whole lines; empty ones only show that the connection lives. */
  private async print(lines: Uint8Array): Promise<void> {
    const now = this.now();
    const fresh: Uint8Array[] = [];
    for (let start = 0; start < lines.length; ) {
      const end = lines.indexOf(newline, start) + 1;
      const line = lines.subarray(start, end);
      if (line.length > 1 && this.position.take(line, now)) fresh.push(line);
      start = end;
    }
    if (fresh.length > 0) await this.parts.print(Buffer.concat(fresh));
  }

  private connected(): void {
    if (this.failures > 0) this.parts.note(`back: ${this.topic} goes on`);
    else if (!this.connectedOnce && this.options.follow)
      this.parts.note(`following ${this.topic}; Ctrl-C ends`);
    this.connectedOnce = true;
  }

  /** Says so once, however often it is tried. */
  private lost(reason: string): void {
    this.failures++;
    if (this.failures === 1) this.parts.note(`lost the bus (${reason}); trying again until it is back`);
  }

  private gaveUp(): boolean {
    return !this.options.follow && this.failures >= maxTriesToTheEnd;
  }

  private now(): number {
    return Date.now() + this.clockOffsetMs;
  }
}

/** What may be over at the next try: a bus that is away, starts, or has lost its Redis. */
function mayPass(error: unknown): error is HmsSyncError {
  return (
    error instanceof HmsSyncError && (error.retryable || error.status >= 500 || error.code === "no_context")
  );
}
