import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { type Bus, connect } from "@hms-sync/client";
import { sampleEvent } from "../src/sample.js";

/** What became of a delivery. */
export interface Settled {
  readonly action: string;
  readonly reason?: string;
}

/** A bus in this process: it hands out what it is given and tells how each delivery was settled. */
export interface TestBus {
  readonly bus: Bus;
  /** Delivers an event; the same id again is the same event again. */
  deliver(topic: string, payload: string, id: string): Promise<Settled>;
  close(): Promise<void>;
}

/** Starts a bus that speaks the gateway's protocol on a port of its own. */
export async function startTestBus(): Promise<TestBus> {
  const deliveries: { topic: string; envelope: string; settled: (settled: Settled) => void }[] = [];
  let handedOut = 0;
  let wake = () => {};

  /** The next delivery of the topic, as one line of JSON and the envelope behind it; none after a while. */
  const pulled = async (topic: string): Promise<[head: object[], body: string]> => {
    const next = () => deliveries.findIndex((one, index) => index >= handedOut && one.topic === topic);
    if (next() === -1) await Promise.race([new Promise<void>((resolve) => (wake = resolve)), delay(1_000)]);
    const index = next();
    if (index === -1) return [[], ""];
    handedOut = index + 1;
    const { envelope } = deliveries[index]!;
    const lengths = [Buffer.byteLength(envelope)];
    const lease = { lease: String(index), attempt: 1, replayed: false, ack_wait_ms: 30_000 };
    return [[{ ...lease, indexes: [[0, 0]], lengths }], envelope];
  };

  const server = createServer(async (request, response) => {
    const [, topic = "", action] = /^\/v1\/topics\/([^/]+)\/(pull|settle)$/.exec(request.url ?? "") ?? [];
    if (action === undefined) return void response.end('{"system":"test","admin":false}');
    const { settle = [] } = JSON.parse(await textOf(request)) as { settle?: (Settled & { token: string })[] };
    for (const { token, ...settled } of settle) deliveries[Number.parseInt(token, 10)]?.settled(settled);
    const answers = settle.map(({ token }) => ({ token, result: "ok" }));
    const [leases, body] = action === "pull" && settle.length === 0 ? await pulled(topic) : [[], ""];
    if (action === "pull") response.setHeader("content-type", "application/vnd.hms-sync.deliveries");
    response.end(`${JSON.stringify({ leases, settled: answers })}\n${body}`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const bus = await connect({ url: `http://127.0.0.1:${port}`, token: "test", drain: false });
  return {
    bus,
    deliver: (topic, payload, id) =>
      new Promise((settled) => {
        const envelope = JSON.stringify({ ...sampleEvent(topic), id }).replace(
          /}$/,
          `,"payload":${payload}}`,
        );
        deliveries.push({ topic, envelope, settled });
        wake();
      }),
    close: async () => {
      await bus.close();
      server.close();
      server.closeAllConnections();
    },
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text;
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
