import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { createInterface } from "node:readline";
import { Interrupted, Problem } from "./problem.mjs";

const PATIENCE_MS = 10_000;

/**
 * What the demo has started, each with its log in `<folder>/logs`. They run in process groups of their own: Ctrl-C
 * reaches the demo alone, which stops them in the order that loses nothing.
 */
export class Processes {
  #running = [];
  #stopping = false;

  constructor(folder) {
    this.folder = folder;
  }

  /** Starts a program; its standard output comes as `lines`, its standard error goes to the log. */
  start(name, command, args, env) {
    this.mustGoOn();
    const logFile = join(this.folder, "logs", `${name}.log`);
    mkdirSync(join(this.folder, "logs"), { recursive: true });
    const log = openSync(logFile, "w");
    const child = spawn(command, args, {
      ...{ cwd: this.folder, env, detached: true },
      stdio: ["ignore", "pipe", log],
    });
    closeSync(log);
    const running = {
      name,
      logFile: shown(logFile),
      lines: createInterface({ input: child.stdout }),
      kill: (signal) => child.kill(signal),
      ended: new Promise((resolve) => {
        child.once("error", (error) => resolve(error.message));
        child.once("exit", (code, signal) => resolve(code ?? signal));
      }),
    };
    this.#running.push(running);
    void running.ended.then(() => this.#running.splice(this.#running.indexOf(running), 1));
    return running;
  }

  /** Throws once the demo is stopping: nothing is begun, nothing waited for any more. */
  mustGoOn() {
    if (this.#stopping) throw new Interrupted();
  }

  /** Stops all, the last started first; who does not end in 10 s is killed. */
  async stop() {
    this.#stopping = true;
    for (const { kill, ended } of [...this.#running].reverse()) {
      kill("SIGTERM");
      const timer = setTimeout(() => kill("SIGKILL"), PATIENCE_MS);
      await ended;
      clearTimeout(timer);
    }
  }

  /** For those in a hurry: a second Ctrl-C. */
  kill() {
    for (const { kill } of this.#running) kill("SIGKILL");
  }
}

/** A path as short as it can be typed from here. */
export function shown(path) {
  const short = relative(process.cwd(), path);
  return short.startsWith("..") ? path : short || ".";
}

/** The problem of a program that ended though it should not: what it said last, and where all of it stands. */
export function endedEarly({ name, logFile }, outcome) {
  const last = lastWords(logFile);
  return new Problem(`${name} ended (${outcome})${last === "" ? "" : `: ${last}`}\nits log: ${logFile}`);
}

/** The last line that says something: a log line of ours, of Laravel, an error's first line, or just the last. */
function lastWords(logFile) {
  const lines = readFileSync(logFile, "utf8").trim().split("\n");
  const saying = lines.map(wordsOf).filter(Boolean).at(-1);
  return saying ?? lines.at(-1);
}

function wordsOf(line) {
  const laravel = /^\[[^\]]+\] \w+\.[A-Z]+: (.*?)(?: \{"exception".*)?$/.exec(line);
  if (laravel !== null) return laravel[1];
  if (/^\w*Error: /.test(line)) return line;
  if (!line.startsWith('{"')) return undefined;
  const { msg, detail } = JSON.parse(line);
  return [msg, detail].filter(Boolean).join(": ");
}
