import { type ChildProcess, spawn } from "node:child_process";
import { descendantsOf, processTable, sendSignal } from "./process-table.js";

export interface SpawnOptions {
  readonly cwd?: string;
  /** Added to this process's environment; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly stdin?: string;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A real child process whose output is kept. Killed with everything below it when the test that started it ends. */
export interface SpawnedProcess {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  /** Standard output and error so far, as they came. */
  output(): string;
  stdout(): string;
  stderr(): string;
  /**
   * Resolves with the first line of either stream, past or future, that matches. Rejects with the output when the
   * process ends without one or `timeoutMs` (10 s) pass.
   */
  waitForLine(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>;
  /** Signals this process alone: what it started lives on, as after a real crash. */
  kill(signal?: NodeJS.Signals): Promise<Exit>;
  /** SIGKILL for the process and all it started, also what outlived it. */
  killTree(): Promise<Exit>;
}

/** Starts a program. Fails at once, naming it, when it cannot be started. */
export async function spawnProcess(
  command: string,
  args: readonly string[] = [],
  options: SpawnOptions = {},
): Promise<SpawnedProcess> {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const spawned = new Spawned(child, `${command} ${args.join(" ")}`);
  started.add(spawned);
  child.stdin?.on("error", () => undefined); // the program may end without having read its input
  child.stdin?.end(options.stdin ?? "");
  await new Promise<void>((resolve, reject) => child.once("spawn", resolve).once("error", reject));
  return spawned;
}

/** Runs a program of Node (`node <file> …`) with this Node. */
export function spawnNode(args: readonly string[], options: SpawnOptions = {}): Promise<SpawnedProcess> {
  return spawnProcess(process.execPath, args, options);
}

/** Runs a program to its end. */
export async function run(
  command: string,
  args: readonly string[] = [],
  options: SpawnOptions = {},
): Promise<Exit & { stdout: string; stderr: string }> {
  const spawned = await spawnProcess(command, args, options);
  const exit = await spawned.exited;
  return { ...exit, stdout: spawned.stdout(), stderr: spawned.stderr() };
}

/** "close" waits for every holder of the pipes, and an orphan may hold them for ever: this long after the exit ends it. */
const LAST_OUTPUT_MS = 100;

const started = new Set<Spawned>();

/** What runs now: taken before each test, so that processes of a `beforeAll` outlive the test. */
export function spawnedBefore(): ReadonlySet<SpawnedProcess> {
  return new Set(started);
}

/** Kills what was spawned, all but `kept`, with everything below. Called by the setup file at the end of each test. */
export async function killSpawned(kept: ReadonlySet<SpawnedProcess> = new Set()): Promise<void> {
  const ending = [...started].filter((spawned) => !kept.has(spawned));
  for (const spawned of ending) started.delete(spawned);
  await Promise.all(ending.map((spawned) => spawned.killTree()));
}

class Spawned implements SpawnedProcess {
  readonly exited: Promise<Exit>;
  private readonly chunks: { stream: "stdout" | "stderr"; text: string }[] = [];
  private readonly below = new Map<number, string>();
  private readonly watchers = new Set<() => void>();
  private ended = false;

  constructor(
    private readonly child: ChildProcess,
    private readonly title: string,
  ) {
    this.collect("stdout");
    this.collect("stderr");
    this.exited = new Promise((resolve) => {
      child.once("error", () => resolve({ code: null, signal: null }));
      child.once("close", (code, signal) => resolve({ code, signal }));
      child.once("exit", (code, signal) =>
        setTimeout(() => resolve({ code, signal }), LAST_OUTPUT_MS).unref(),
      );
    });
    void this.exited.then(() => {
      this.ended = true;
      this.notify();
    });
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  output(): string {
    return this.chunks.map(({ text }) => text).join("");
  }

  stdout(): string {
    return this.text("stdout");
  }

  stderr(): string {
    return this.text("stderr");
  }

  waitForLine(pattern: RegExp, timeoutMs = 10_000): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const settle = (done: () => void): void => {
        clearTimeout(timer);
        this.watchers.delete(look);
        done();
      };
      const fail = (why: string): void =>
        settle(() =>
          reject(new Error(`${this.title}: ${why} a line like ${pattern}; its output:\n${this.output()}`)),
        );
      const look = (): void => {
        const match = this.find(pattern);
        if (match !== undefined) settle(() => resolve(match));
        else if (this.ended) fail("ended without");
      };
      const timer = setTimeout(() => fail(`did not print within ${timeoutMs} ms`), timeoutMs);
      this.watchers.add(look);
      look();
    });
  }

  kill(signal: NodeJS.Signals = "SIGKILL"): Promise<Exit> {
    this.remember();
    if (!this.ended) this.child.kill(signal);
    return this.exited;
  }

  async killTree(): Promise<Exit> {
    this.remember();
    if (!this.ended) this.child.kill("SIGKILL");
    for (const { pid, command } of processTable()) {
      if (this.below.get(pid) === command) sendSignal(pid, "SIGKILL"); // a pid alone may be another program's by now
    }
    return await this.exited;
  }

  /** Once the parent is dead its children are no longer found below it. */
  private remember(): void {
    if (this.ended || this.child.pid === undefined) return;
    for (const { pid, command } of descendantsOf(this.child.pid)) this.below.set(pid, command);
  }

  private collect(stream: "stdout" | "stderr"): void {
    this.child[stream]?.setEncoding("utf8").on("data", (text: string) => {
      this.chunks.push({ stream, text });
      this.notify();
    });
  }

  private text(stream: "stdout" | "stderr"): string {
    return this.chunks.flatMap((chunk) => (chunk.stream === stream ? [chunk.text] : [])).join("");
  }

  private find(pattern: RegExp): RegExpExecArray | undefined {
    const stateless = new RegExp(pattern.source, pattern.flags.replace("g", ""));
    for (const line of [this.stdout(), this.stderr()].flatMap((text) => this.lines(text))) {
      const match = stateless.exec(line);
      if (match !== null) return match;
    }
    return undefined;
  }

  /** The whole lines: half of one may match with half of what it says. */
  private lines(text: string): string[] {
    const lines = text.split("\n");
    return this.ended ? lines : lines.slice(0, -1);
  }

  private notify(): void {
    for (const watcher of [...this.watchers]) watcher();
  }
}
