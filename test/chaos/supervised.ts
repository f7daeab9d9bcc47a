import { setTimeout as delay } from "node:timers/promises";
import { ManagedProcess, type ProcessPlan } from "./managed-process.js";

/** How long after its end a process is started again (ms). */
const RESTART_MS = 500;

/** A process that a service manager keeps running: what ends by itself is started again, what this harness ended stays so. */
export class Supervised {
  readonly process = new ManagedProcess();
  private plan: ProcessPlan | undefined;
  private restarting: Promise<void> | undefined;

  constructor() {
    this.process.onEnd = ({ expected }) => {
      if (!expected) this.restarting ??= this.again();
    };
  }

  /** Runs it by this plan, until `kill9` or `term`. `once` is added to the environment of its first life. */
  async start(plan: ProcessPlan, once: Readonly<Record<string, string>> = {}): Promise<void> {
    this.plan = plan;
    await this.process.launch({ ...plan, env: { ...plan.env, ...once } });
  }

  async kill9(): Promise<void> {
    await this.stop(() => this.process.kill9());
  }

  /** SIGTERM. */
  async term(): Promise<void> {
    await this.stop(() => this.process.term());
  }

  /** SIGKILL, and the next life at once. */
  async restart(): Promise<void> {
    const { plan } = this;
    await this.kill9();
    if (plan !== undefined) await this.start(plan);
  }

  private async stop(end: () => Promise<void>): Promise<void> {
    this.plan = undefined;
    await this.restarting;
    await end();
  }

  private async again(): Promise<void> {
    await delay(RESTART_MS);
    this.restarting = undefined;
    if (this.plan !== undefined && !this.process.isRunning) await this.process.launch(this.plan);
  }
}
