import { HmsSyncError } from "../errors.js";
import type { Registry } from "./types.js";

export interface ReloadingParts {
  /** Digest of the registry in force. */
  readonly inForce: () => string;
  /** Reads and checks the file; rejects with HmsSyncError `invalid_registry`. */
  readonly load: () => Promise<Registry>;
  /** What the running bus has against it, one line for each problem; rejects when that cannot be found out. */
  readonly problemsOf: (next: Registry) => Promise<readonly string[]>;
  /** Puts it in force. Everything that an event meets is changed when this returns; the rest when it resolves. */
  readonly apply: (next: Registry) => Promise<void>;
  readonly log: ReloadingLog;
}

export interface ReloadingLog {
  info(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

/** How the last reading of the file ended. */
export interface ReloadState {
  /** RFC 3339: when the registry in force was read. */
  readonly since: string;
  /** The file as it is now was refused, and the registry before it is still in force. */
  readonly refused?: { readonly at: string; readonly problems: readonly string[] };
}

/** Takes up a changed topics.yaml: whole, or not at all. One reading at a time; those asked for meanwhile are one. */
export class Reloading {
  private current: ReloadState;
  private running: Promise<void> | undefined;
  private again = false;

  constructor(
    private readonly parts: ReloadingParts,
    private readonly now: () => Date = () => new Date(),
  ) {
    this.current = { since: now().toISOString() };
  }

  get state(): ReloadState {
    return this.current;
  }

  /** Reads the file now; resolves when it is in force or refused. Never rejects. */
  async reload(): Promise<void> {
    this.again = true;
    this.running ??= this.reloadAll().finally(() => {
      this.running = undefined;
    });
    await this.running;
  }

  private async reloadAll(): Promise<void> {
    while (this.again) {
      this.again = false;
      await this.reloadOnce();
    }
  }

  private async reloadOnce(): Promise<void> {
    try {
      const next = await this.parts.load();
      if (next.digest === this.parts.inForce() && this.current.refused === undefined) {
        // Limits are no part of the digest, and comments are of no concern.
        await this.parts.apply(next);
        return;
      }
      const problems = await this.parts.problemsOf(next);
      if (problems.length > 0) return this.refuse(problems);
      const applied = this.parts.apply(next);
      this.current = { since: this.now().toISOString() };
      this.parts.log.info("topics.yaml was read anew and is in force", { digest: next.digest });
      await applied;
    } catch (error) {
      this.refuse(problemsIn(error));
    }
  }

  private refuse(problems: readonly string[]): void {
    this.current = { since: this.current.since, refused: { at: this.now().toISOString(), problems } };
    this.parts.log.error("the changed topics.yaml is refused; the registry before it stays in force", {
      problems,
    });
  }
}

function problemsIn(error: unknown): readonly string[] {
  if (error instanceof HmsSyncError && error.code === "invalid_registry") return error.message.split("\n");
  return [`it could not be taken up: ${error instanceof Error ? error.message : String(error)}`];
}
