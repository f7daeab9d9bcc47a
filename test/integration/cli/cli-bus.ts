import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { run, type SpawnedProcess, spawnNode } from "../../support/process.js";

const root = resolve(import.meta.dirname, "../../..");
const main = join(root, "dist", "cli", "main.js");

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder as a user has it: topics.yaml, schemas/ and, once the bus was started there, .hms-sync/. */
export class CliFolder {
  readonly path = mkdtempSync(join(tmpdir(), "hms-sync-cli-"));

  constructor() {
    cpSync(join(root, "topics.yaml"), join(this.path, "topics.yaml"));
    cpSync(join(root, "schemas"), join(this.path, "schemas"), { recursive: true });
  }

  /** Starts `hms-sync start` and resolves with the URL it says. */
  async start(env: Readonly<Record<string, string>> = {}): Promise<{ process: SpawnedProcess; url: string }> {
    const process = await this.spawn(["start"], env);
    const [, url] = await process.waitForLine(/^ready (http:\/\/127\.0\.0\.1:\d+)$/, 30_000);
    return { process, url: url! };
  }

  /** Starts a verb and does not wait for its end. */
  spawn(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<SpawnedProcess> {
    return spawnNode([main, ...args], { cwd: this.path, env: this.environment(env) });
  }

  /** Starts a verb whose pipes the test itself holds. */
  detached(args: readonly string[]): ChildProcess {
    return spawn(process.execPath, [main, ...args], {
      cwd: this.path,
      env: { ...process.env, ...this.environment({}) },
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  /** Runs a verb to its end. */
  async hmsSync(
    args: readonly string[],
    options: { stdin?: string; env?: Record<string, string> } = {},
  ): Promise<Ended> {
    const { stdin, env = {} } = options;
    return await run(process.execPath, [main, ...args], {
      cwd: this.path,
      env: this.environment(env),
      ...(stdin === undefined ? {} : { stdin }),
    });
  }

  /** Runs a line of shell in which `hms-sync` is ours. */
  async shell(line: string): Promise<Ended> {
    const script = `hms-sync() { "${process.execPath}" "${main}" "$@"; }\n${line}`;
    return await run("bash", ["-o", "pipefail", "-c", script], { cwd: this.path, env: this.environment({}) });
  }

  private environment(env: Readonly<Record<string, string>>): Record<string, string | undefined> {
    const unset = ["URL", "TOKEN", "CONFIG", "STATE", "HOST", "REDIS_URL", "LARAVEL_PREFIX", "LOG"];
    return {
      ...Object.fromEntries(unset.map((name) => [`HMS_SYNC_${name}`, undefined])),
      HMS_SYNC_PORT: "0",
      HMS_SYNC_REDIS_PORT: "0",
      NODE_ENV: undefined,
      ...env,
    };
  }
}

/** The payloads' inspection ids of envelope lines, in order. */
export function inspections(lines: string): number[] {
  return lines
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line).payload.inspectionId);
}
