import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { BusFolder } from "./bus.js";
import { type Exit, type SpawnedProcess, spawnProcess } from "./process.js";

const application = resolve(import.meta.dirname, "../laravel-app");

/** An event() call that returned: the inspection, and when (ms since 1970). */
export interface Fired {
  readonly id: number;
  readonly at: number;
}

/** The real Laravel application at work in a process of its own. */
export interface RunningLaravel {
  readonly process: SpawnedProcess;
  /** The calls that have returned so far. */
  fired(): Fired[];
  /** Resolves when the process has ended, whether or not a call threw. */
  readonly ended: Promise<Exit>;
}

export interface CompleteOptions {
  /** `inspections:complete --interval-ms`: from one event to the next. */
  readonly intervalMs?: number;
  readonly by?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The numbers from `first` to `last`. */
export function numbers(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/**
 * Completes inspections in Laravel, which fires one event for each, in one boot; it ends at the first call that throws.
 * `redisUrl` is the Redis of the bus. The application keeps no database here.
 */
export async function startCompleting(
  ids: readonly number[],
  redisUrl: string,
  options: CompleteOptions = {},
): Promise<RunningLaravel> {
  if (!existsSync(join(application, "vendor", "autoload.php"))) {
    throw new Error("the Laravel application is not installed; run node scripts/setup.mjs --php");
  }
  const { intervalMs = 0, by = "INSPECTOR_1337" } = options;
  const words = [`--by=${by}`, `--interval-ms=${intervalMs}`, "--json", ...ids.map(String)];
  const child = await spawnProcess("php", [join(application, "artisan"), "inspections:complete", ...words], {
    cwd: application,
    env: { ...defaults, BROADCAST_CONNECTION: "hms-sync", HMS_SYNC_REDIS_URL: redisUrl, ...options.env },
  });
  return { process: child, fired: () => firedLines(child.stdout()), ended: child.exited };
}

const defaults = {
  APP_ENV: "testing",
  DB_DATABASE: "/nonexistent",
  QUEUE_CONNECTION: "sync",
  REDIS_CLIENT: "phpredis",
};

/** Completes inspections to the end. Throws with Laravel's output when a call threw. */
export async function completeInspections(
  ids: readonly number[],
  redisUrl: string,
  options: CompleteOptions = {},
): Promise<Fired[]> {
  const laravel = await startCompleting(ids, redisUrl, options);
  const { code } = await laravel.ended;
  if (code !== 0) throw new Error(`Laravel ended with ${code}:\n${laravel.process.output()}`);
  return laravel.fired();
}

/** Whole lines only: the process may be killed within one. */
function firedLines(text: string): Fired[] {
  const lines = text.split("\n").slice(0, -1);
  return lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as Fired);
}

/** Address and password of the Redis that a bus runs for itself, as the bus leaves it for local producers. */
export async function embeddedRedisUrl(folder: BusFolder): Promise<string> {
  const file = join(folder.path, ".hms-sync", "redis", "connection.json");
  return (JSON.parse(await readFile(file, "utf8")) as { url: string }).url;
}
