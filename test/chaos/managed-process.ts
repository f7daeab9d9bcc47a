import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { eventually } from "../support/eventually.js";

export interface ProcessPlan {
  readonly title: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** It is told lines (`say`). */
  readonly listens?: boolean;
}

/** How a process ended. `expected`: it was killed or told to end by this harness. */
export interface End {
  readonly title: string;
  readonly at: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly expected: boolean;
  /** The last it said. */
  readonly lastWords: string;
}

/** A process that is killed, stopped and started again; all that it ever said is kept, one life after the other. */
export class ManagedProcess {
  readonly ends: End[] = [];
  private child: ChildProcess | undefined;
  private exited: Promise<unknown> = Promise.resolve();
  private expectsEnd = false;
  private text = "";
  private born = 0;
  private rest = "";
  /** Told each whole line of standard output. */
  onLine: (line: string) => void = () => undefined;
  /** Told each end of a life. */
  onEnd: (end: End) => void = () => undefined;

  get pid(): number {
    return this.child?.pid ?? -1;
  }

  get isRunning(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Of all lives. */
  output(): string {
    return this.text;
  }

  /** Of this life. */
  outputOfThisLife(): string {
    return this.text.slice(this.born);
  }

  async launch(plan: ProcessPlan): Promise<void> {
    if (this.isRunning) throw new Error(`${plan.title} runs already (pid ${this.pid}); end it first`);
    this.expectsEnd = false;
    this.born = this.text.length;
    this.rest = "";
    const child = spawn(plan.command, plan.args, {
      cwd: plan.cwd ?? tmpdir(), // of the test file: what outlives it is found there
      env: { ...process.env, ...plan.env },
      stdio: [plan.listens === true ? "pipe" : "ignore", "pipe", "pipe"],
    });
    this.child = child;
    child.stdin?.on("error", () => undefined); // it may end before it has read what it is told
    child.stdout!.setEncoding("utf8").on("data", (text: string) => this.heard(text));
    child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.text += text;
    });
    this.exited = once(child, "exit").then(([code, signal]) => {
      const lastWords = this.text.slice(this.born).slice(-2_000);
      const expected = this.expectsEnd;
      const end: End = { title: plan.title, at: Date.now(), code, signal, expected, lastWords };
      this.ends.push(end);
      this.onEnd(end);
    });
    this.exited.catch(() => undefined); // spawn's own error is told below
    await once(child, "spawn");
  }

  /** Resolves when this life said something like it; rejects with what it said when it ended without. */
  async waitFor(pattern: RegExp, timeoutMs: number): Promise<RegExpExecArray> {
    const child = this.child;
    const found = () => pattern.exec(this.outputOfThisLife());
    await eventually(() => found() !== null || child !== this.child || !this.isRunning, { timeoutMs });
    const match = found();
    if (match === null) throw new Error(`ended before it said ${pattern}:\n${this.outputOfThisLife()}`);
    return match;
  }

  /** A line for its standard input. */
  say(line: string): void {
    this.child?.stdin?.write(`${line}\n`);
  }

  /** Resolves when it is gone. A stopped process ends too. */
  async kill9(): Promise<void> {
    await this.end("SIGKILL");
  }

  /** SIGTERM; SIGKILL when it has not ended in time, which then stands in `ends`. */
  async term(timeoutMs = 30_000): Promise<void> {
    if (!this.isRunning) return;
    const timer = setTimeout(() => this.child?.kill("SIGKILL"), timeoutMs);
    await this.end("SIGTERM");
    clearTimeout(timer);
  }

  /** SIGSTOP: it keeps its connections and its place, and does nothing. */
  pause(): void {
    this.child?.kill("SIGSTOP");
  }

  resume(): void {
    this.child?.kill("SIGCONT");
  }

  signal(signal: NodeJS.Signals): void {
    this.child?.kill(signal);
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    if (!this.isRunning) return;
    this.expectsEnd = true;
    this.child?.kill(signal);
    await this.exited;
  }

  private heard(text: string): void {
    this.text += text;
    const lines = (this.rest + text).split("\n");
    this.rest = lines.pop() ?? "";
    for (const line of lines) this.onLine(line);
  }
}
