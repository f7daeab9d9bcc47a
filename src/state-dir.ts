import { randomBytes } from "node:crypto";
import { chmod, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Where a topic's ledger was: its last entry, and how many were recorded in all. */
export interface LedgerMark {
  readonly last: string;
  readonly total: number;
}

/** What `hms-sync start` leaves in its state directory so that CLI and client find the bus. */
export class StateDirectory {
  constructor(private readonly path: string) {}

  /**
   * The development token, made once and kept with mode 600; it speaks for admin. In production there is none, and
   * one that an earlier start left is removed.
   */
  async developmentToken(production: boolean): Promise<string | undefined> {
    const file = join(this.path, "token");
    if (production) {
      await rm(file, { force: true });
      return undefined;
    }
    await mkdir(this.path, { recursive: true, mode: 0o700 });
    const kept = await readFile(file, "utf8").catch(whenMissing);
    if (kept !== undefined && kept.trim().length >= 32) {
      await chmod(file, 0o600);
      return kept.trim();
    }
    const token = `hms_dev_${randomBytes(32).toString("base64url")}`;
    await writeFile(file, `${token}\n`, { mode: 0o600 });
    return token;
  }

  /** Up to where each topic's ledger in the Redis of this name was when it was last written down; empty for another Redis. */
  async ledgerMarks(redis: string): Promise<ReadonlyMap<string, LedgerMark>> {
    const text = await readFile(this.marksFile, "utf8").catch(whenMissing);
    if (text === undefined) return new Map();
    const kept = JSON.parse(text) as { redis: string; topics: Record<string, LedgerMark> };
    return new Map(kept.redis === redis ? Object.entries(kept.topics) : []);
  }

  /** Writes it down, whole or not at all. */
  async writeLedgerMarks(redis: string, marks: ReadonlyMap<string, LedgerMark>): Promise<void> {
    await mkdir(this.path, { recursive: true, mode: 0o700 });
    const next = `${this.marksFile}.${process.pid}`;
    await writeFile(next, `${JSON.stringify({ redis, topics: Object.fromEntries(marks) })}\n`);
    await rename(next, this.marksFile);
  }

  private get marksFile(): string {
    return join(this.path, "ledger-marks.json");
  }

  /** Writes where the gateway listens. */
  async writeContext(url: string): Promise<void> {
    await mkdir(this.path, { recursive: true, mode: 0o700 });
    await writeFile(join(this.path, "context.json"), `${JSON.stringify({ url })}\n`);
  }
}

function whenMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
  return undefined;
}
