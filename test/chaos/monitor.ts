import { setTimeout as delay } from "node:timers/promises";
import { callBus, type SidecarNode } from "./sidecar-node.js";

/** What one sidecar said of itself: when it was asked, and when it had answered (ms since the epoch). No state: it did not answer. */
export interface Sample {
  readonly at: number;
  readonly until: number;
  readonly sidecar: string;
  readonly ready: number | undefined;
  /** HTTP status of GET /v1/status and, where there is one, its verdict. */
  readonly status: number | undefined;
  readonly state: string | undefined;
  readonly rssKb: number | undefined;
}

/** What came of a call with a key of one system for what is another's. */
export interface Trespass {
  readonly at: number;
  readonly what: string;
  readonly status: number;
}

/** Asks each sidecar how it is, and tries to take what is another system's, all the time. */
export class Monitor {
  readonly samples: Sample[] = [];
  readonly trespasses: Trespass[] = [];
  private readonly end = new AbortController();
  private working: Promise<void> | undefined;

  constructor(
    private readonly sidecars: readonly SidecarNode[],
    /** A real key of a system that consumes `ownTopic` only. */
    private readonly stranger: { readonly token: string; readonly foreignTopic: string },
    private readonly rssOf: (pid: number) => number | undefined,
  ) {}

  start(): void {
    this.working ??= this.run();
  }

  async stop(): Promise<void> {
    this.end.abort();
    await this.working;
  }

  private async run(): Promise<void> {
    while (!this.end.signal.aborted) {
      await Promise.all(this.sidecars.map((sidecar) => this.sample(sidecar)));
      await delay(500, undefined, { signal: this.end.signal }).catch(() => undefined); // the end
    }
  }

  private async sample(sidecar: SidecarNode): Promise<void> {
    const at = Date.now();
    const [ready, status] = await Promise.all([
      statusOf(`${sidecar.url}/readyz`),
      sidecar.call("GET", "/v1/status").catch(() => undefined), // no answer is an answer here
    ]);
    this.samples.push({
      at,
      until: Date.now(),
      sidecar: sidecar.name,
      ready,
      status: status?.status,
      state: status?.body?.state,
      rssKb: this.rssOf(sidecar.process.pid),
    });
    await this.trespass(sidecar);
  }

  private async trespass({ url }: SidecarNode): Promise<void> {
    const { token, foreignTopic } = this.stranger;
    const tries: [string, string, unknown][] = [
      ["POST", `/v1/topics/${foreignTopic}/pull`, { max: 1, wait_ms: 0 }],
      ["GET", `/v1/topics/${foreignTopic}/events?since=0&follow=false`, undefined],
      ["GET", "/v1/dead-letters", undefined],
    ];
    for (const [method, path, body] of tries) {
      const answer = await callBus(`${url}${path}`, method, { token, body, timeoutMs: 3_000 }).catch(
        () => undefined, // not there to be asked
      );
      if (answer !== undefined)
        this.trespasses.push({ at: Date.now(), what: `${method} ${path}`, status: answer.status });
    }
  }
}

async function statusOf(url: string): Promise<number | undefined> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(3_000) })).status;
  } catch {
    return undefined; // the sidecar is not there, or too slow: a sample of its own
  }
}
