import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  type AdapterName,
  appointmentsIn,
  idsIn,
  inspectionsIn,
  postEvent,
  type RunningAdapter,
  startAdapter,
  tokenOf,
} from "./adapters.js";
import { type BusFolder, busFolder, type RunningBus, startBus } from "./bus.js";
import { eventually } from "./eventually.js";
import { startGatewayProxy } from "./gateway-proxy.js";

const topic = "inspections.status";
const schedule = "inspections.schedule";

function topicsFor(consumer: string): string {
  return `
${topic}:
  qos: exactly_once
  retention: 7d
  schema: v1
  producers: [hms-api]
  consumers:
    - { name: ${consumer}, ack_wait: 2s, backoff: [50ms] }
${schedule}:
  qos: exactly_once
  retention: 7d
  schema: v1
  producers: [hms-api]
  consumers: [${consumer}]
`;
}

/** Where an adapter's databases come from in tests. */
export interface AdapterDatabases {
  /** An empty database, as the adapter is told where it is. */
  fresh(): Promise<string>;
  /** Lets nobody write inspection `id`, until the function it gives is called. */
  lock(database: string, id: number): Promise<() => Promise<void>>;
  /** What the adapter calls a lock that lasts too long. */
  readonly locked: string;
  close(): Promise<void>;
}

/** What every adapter of inspections.status and inspections.schedule does, shown on its real process, a real bus and its real database. */
export function adapterContract(name: AdapterName, openDatabases: () => Promise<AdapterDatabases>): void {
  describe(`the adapter ${name}`, { timeout: 60_000 }, () => {
    let folder: BusFolder;
    let bus: RunningBus;
    let token: string;
    let databases: AdapterDatabases;
    let adapter: RunningAdapter;

    beforeAll(async () => {
      databases = await openDatabases();
      folder = await busFolder(topicsFor(name), [topic, schedule]);
      bus = await startBus(folder);
      token = await tokenOf(bus, name);
    });

    afterAll(async () => {
      await bus?.process.kill("SIGTERM");
      folder?.remove();
      await databases?.close();
    });

    /** With an empty database of its own: all that was owed before has been settled. */
    beforeEach(async () => {
      adapter = await start(await databases.fresh());
    });

    afterEach(() => adapter.process.kill());

    const start = (database: string, url = bus.url) => startAdapter(name, database, { url, token });
    const has = async (...ids: number[]) => expect(await idsIn(adapter)).toEqual(ids);
    const complete = (number: number, by = "INSPECTOR_1337") =>
      postEvent(bus, topic, `event-${number}`, {
        inspectionId: number,
        newStatus: "Completed",
        completedBy: by,
        timestamp: "2024-04-23T15:02:11Z",
      });
    const consumer = async () => (await bus.call("GET", "/v1/status")).body.topics[topic].consumers[name];
    /** An adapter that has just been started takes its time where many programs run. */
    const settled = () => eventually(async () => (await consumer()).owed === 0, { timeoutMs: 30_000 });

    test("writes what happened and acks it; its log names ids and no word of the payload", async () => {
      await complete(11);
      await settled();
      expect(await inspectionsIn(adapter)).toMatchObject([
        { id: 11, status: "Completed", by: "INSPECTOR_1337" },
      ]);
      const [line] = await adapter.process.waitForLine(/^.*"event-11".*$/);
      expect(JSON.parse(line)).toMatchObject({ level: "info", topic, id: "event-11", attempt: 1 });
      expect(adapter.process.output()).not.toMatch(/INSPECTOR|Completed|2024-04-23/);
    });

    test("writes appointments beside what happened", async () => {
      const scheduledFor = "2024-05-02T14:30:00Z";
      await postEvent(bus, schedule, "moved-12", { inspectionId: 12, scheduledFor });
      await complete(12);
      const appointment = { id: 12, at: Date.parse(scheduledFor) };
      await settled();
      await eventually(async () => expect(await appointmentsIn(adapter)).toEqual([appointment]));
      await has(12);
    });

    test("an event that fits no row becomes a dead letter with the reason, at once and alone", async () => {
      await complete(21);
      await postEvent(bus, topic, "odd-status", { inspectionId: 22, newStatus: "Postponed" });
      await postEvent(bus, topic, "too-large", { inspectionId: 2 ** 53 + 2, newStatus: "Completed" });
      await complete(23, "I".repeat(100));
      await complete(24);
      await settled();
      await has(21, 24);
      const { body } = await eventually(async () => {
        const letters = await bus.call("GET", "/v1/dead-letters");
        return letters.body.dead_letters.length === 3 && letters;
      });
      const reasons: string[] = body.dead_letters.map(({ reason }: { reason: string }) => reason).sort();
      expect(reasons).toEqual([
        expect.stringMatching(/^mapping: payload\.completedBy -> .*too long$/),
        expect.stringMatching(/^mapping: payload\.inspectionId -> /),
        expect.stringMatching(/^mapping: payload\.newStatus -> .*none of the values that are named$/),
      ]);
      expect(reasons.join() + adapter.process.output()).not.toMatch(/Postponed|III|900719/);
    });

    test("while the database is locked events come again, and are written once when it is free", async () => {
      await complete(31);
      await settled();
      const unlock = await databases.lock(adapter.database, 31);
      await postEvent(bus, topic, "again-31", { inspectionId: 31, newStatus: "Cancelled" });
      await adapter.process.waitForLine(
        new RegExp(`comes again".*"again-31".*"${databases.locked}"`),
        30_000,
      );
      await unlock();
      await settled();
      expect((await inspectionsIn(adapter)).at(-1)).toMatchObject({ id: 31, status: "Cancelled" });
    });

    test("killed with the row written and the ack not stored, it makes no second row", async () => {
      const proxy = await startGatewayProxy(bus.url);
      try {
        await adapter.process.kill();
        adapter = await start(adapter.database, proxy.url);
        const ack = proxy.holdAcks();
        await complete(41);
        await ack;
        await adapter.process.kill();
      } finally {
        await proxy.close();
      }
      await has(41);
      expect(await consumer()).toMatchObject({ owed: 1 });
      adapter = await start(adapter.database);
      await settled();
      await has(41);
    });

    test("SIGTERM lets it finish what it has and end with 0; what comes later waits for its next start", async () => {
      await complete(51);
      await settled();
      expect(await adapter.process.kill("SIGTERM")).toEqual({ code: 0, signal: null });
      expect(await consumer()).toMatchObject({ owed: 0 });
      await complete(52);
      adapter = await start(adapter.database);
      await settled();
      await has(51, 52);
    });

    test("a key that is revoked while it runs ends it with 1; what it had not acked waits for a valid one", async () => {
      await complete(61);
      await settled();
      const { body } = await bus.call("POST", "/v1/keys", { system: name });
      const revoked = await startAdapter(name, adapter.database, { url: bus.url, token: body.token });
      await adapter.process.kill("SIGTERM");
      await eventually(async () => (await consumer()).waiting_pulls > 0, { timeoutMs: 30_000 });
      await bus.call("DELETE", `/v1/keys/${body.id}`);
      await complete(62);
      expect(await revoked.process.exited).toEqual({ code: 1, signal: null });
      expect(revoked.process.output()).toMatch(/"code":"unauthorized"/);
      adapter = await start(adapter.database);
      await settled();
      await has(61, 62);
    });

    test("a token that is not valid ends it with 1 and one line that says so", async () => {
      const refused = await startAdapter(name, adapter.database, { url: bus.url, token: "hms_wrong" });
      expect(await refused.process.exited).toEqual({ code: 1, signal: null });
      const lines = refused.process.output().trim().split("\n");
      expect(lines).toHaveLength(1);
      expect(JSON.parse(lines[0]!)).toMatchObject({ level: "error", code: "unauthorized" });
    });
  });
}
