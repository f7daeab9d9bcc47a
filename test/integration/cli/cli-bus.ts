import { type ChildProcess, spawn } from "node:child_process";
import { appendFileSync, cpSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect } from "vitest";
import { eventually } from "../../support/eventually.js";
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

  /** Each of `moreTopics` is like inspections.status, for a test of its own on a shared bus. */
  constructor(moreTopics: readonly string[] = []) {
    const schemas = join(this.path, "schemas");
    cpSync(join(root, "topics.yaml"), join(this.path, "topics.yaml"));
    cpSync(join(root, "schemas"), schemas, { recursive: true });
    for (const name of moreTopics) {
      cpSync(join(schemas, "inspections.status"), join(schemas, name), { recursive: true });
      const entry = `${name}: {qos: exactly_once, retention: 7d, schema: v1, producers: [hms-api], consumers: []}`;
      appendFileSync(join(this.path, "topics.yaml"), `\n${entry}\n`);
    }
  }

  /** Publishes over HTTP, as the development token's admin, without the cost of a process. */
  async post(url: string, topic: string, inspectionId: number): Promise<void> {
    const token = readFileSync(join(this.path, ".hms-sync", "token"), "utf8").trim();
    const response = await fetch(`${url}/v1/topics/${topic}/events`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${token}`,
        "content-type": "application/json",
        "idempotency-key": String(inspectionId),
        connection: "close",
      },
      body: JSON.stringify({ inspectionId, newStatus: "Completed" }),
    });
    if (response.status !== 202) throw new Error(`${response.status}: ${await response.text()}`);
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

/** Resolves when a subscriber has printed these inspections and no others. */
export async function printed(subscriber: SpawnedProcess, ids: readonly number[]): Promise<void> {
  await eventually(() => expect(inspections(subscriber.stdout())).toEqual(ids));
}
