import { randomBytes } from "node:crypto";
import { chmod, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

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
