import knex, { type Knex } from "knex";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { digitsOf } from "../../adapters/city-health/src/times.js";
import { freshCalendar } from "../support/adapter-databases.js";
import { postEvent, type RunningAdapter, startAdapter, tokenOf } from "../support/adapters.js";
import { type BusFolder, busFolder, type RunningBus, startBus } from "../support/bus.js";
import type { DatabaseServer } from "../support/database-server.js";
import { eventually } from "../support/eventually.js";
import { startGatewayProxy } from "../support/gateway-proxy.js";
import { startMariaDb } from "../support/mariadb.js";

// What City Health moves, from its calendar to the bus: real adapter, real MariaDB, real bus.
const topics = ["inspections.status", "inspections.schedule", "inspections.rescheduled"] as const;
const [status, schedule, rescheduled] = topics;
const time = { type: "string", format: "date-time" };
const schema = {
  type: "object",
  properties: { inspectionId: { type: "integer", minimum: 1 }, scheduledFor: time },
  required: ["inspectionId", "scheduledFor"],
};
const registry = `
${status}: { qos: exactly_once, retention: 7d, schema: v1, producers: [hms-api], consumers: [city-health] }
${schedule}: { qos: exactly_once, retention: 7d, schema: v1, producers: [hms-api], consumers: [city-health] }
${rescheduled}: { qos: exactly_once, retention: 7d, schema: v1, producers: [city-health], consumers: [hms-api] }
`;

let server: DatabaseServer;
let folder: BusFolder;
let bus: RunningBus;
let token: string;

beforeAll(async () => {
  folder = await busFolder(registry, topics, { [rescheduled]: schema });
  [server, bus] = await Promise.all([startMariaDb(), startBus(folder)]);
  token = await tokenOf(bus, "city-health");
});
afterAll(async () => {
  await bus?.process.kill("SIGTERM");
  await server?.stop();
  folder?.remove();
});

interface Sent {
  readonly inspectionId: number;
  readonly scheduledFor: string;
}

/** What the bus has of these inspections, in its order. */
async function sent(from: number, to = from): Promise<Sent[]> {
  const { body } = await bus.call("GET", `/v1/topics/${rescheduled}/events?since=0`);
  const events: { payload: Sent }[] = body.split("\n").filter(Boolean).map(JSON.parse);
  return events.map(({ payload }) => payload).filter(({ inspectionId: id }) => from <= id && id <= to);
}

/** Appointment number n, as the calendar has it and as the bus does. */
const digits = (n: number) => `20240502${String(10 + Math.floor(n / 3_600))}${clock(n).replace(":", "")}`;
const rfc3339 = (n: number) => `2024-05-02T${10 + Math.floor(n / 3_600)}:${clock(n)}Z`;
const clock = (n: number) =>
  [Math.floor(n / 60) % 60, n % 60].map((part) => String(part).padStart(2, "0")).join(":");

/** Moves an inspection as City Health's own program does. */
async function move(staff: Knex, INSP_NO: number, n: number): Promise<void> {
  const now = digitsOf(Date.now());
  const row = { INSP_NO, APPT_TS: digits(n), CHG_TS: now, UPD_TS: now };
  await staff("INSP_APPT").insert(row).onConflict("INSP_NO").merge();
}

describe.each(["watermark", "outbox"] as const)("with RESCHEDULE_SOURCE=%s", (source) => {
  // Inspections of their own for each source: they share the bus.
  const base = source === "watermark" ? 1_000 : 2_000;
  let database: string;
  let staff: Knex;
  let adapter: RunningAdapter;

  beforeAll(async () => {
    const outbox = source === "outbox" ? (["outbox.sql"] as const) : [];
    database = await freshCalendar(server, "calendar.sql", ...outbox);
    staff = knex({ client: "mysql2", connection: database });
  });
  afterAll(() => staff?.destroy());

  const start = async (url = bus.url) => {
    const settings = { RESCHEDULE_SOURCE: source, RESCHEDULE_POLL_MS: "50" };
    adapter = await startAdapter("city-health", database, { url, token }, settings);
  };
  const waiting = async () => (await staff("HMS_OUTBOX").where({ STATE: "" })).length;

  test("what is moved in the calendar is on the bus, from City Health; what HMS tells is not", async () => {
    await start();
    await postEvent(bus, schedule, `told-${base}`, { inspectionId: base, scheduledFor: rfc3339(1) });
    await eventually(async () => (await staff("INSP_APPT").where({ INSP_NO: base })).length === 1);
    await move(staff, base + 1, 2);
    await eventually(async () => (await sent(base + 1)).length === 1);
    await move(staff, base, 3);
    await eventually(async () => (await sent(base)).length === 1);
    expect(await sent(base, base + 1)).toEqual([
      { inspectionId: base + 1, scheduledFor: rfc3339(2) },
      { inspectionId: base, scheduledFor: rfc3339(3) },
    ]);
    expect(adapter.process.output()).not.toMatch(/2024-?05-?02/);
    expect((await adapter.process.kill("SIGTERM")).code).toBe(0);
  });

  test("killed after the bus has a move and before that is marked, it sends it again under the same id: once", async () => {
    const proxy = await startGatewayProxy(bus.url);
    try {
      const published = proxy.holdPublished();
      await start(proxy.url);
      await move(staff, base + 2, 4);
      await published;
      await adapter.process.kill("SIGKILL");
    } finally {
      await proxy.close();
    }
    expect(await sent(base + 2)).toHaveLength(1);
    expect(await staff("HMS_OUTBOX").where({ STATE: "" }).pluck("INSP_NO")).toEqual([base + 2]);
    await start();
    await adapter.process.waitForLine(/"sent before"/);
    await eventually(async () => (await waiting()) === 0);
    expect(await sent(base + 2)).toEqual([{ inspectionId: base + 2, scheduledFor: rfc3339(4) }]);
    await adapter.process.kill("SIGTERM");
  });

  test("a move that the bus can never take is kept with the reason, and holds up none", async () => {
    await start();
    await move(staff, 0, 5); // an inspection is 1 or more
    await staff("INSP_APPT").insert({
      INSP_NO: base + 3,
      APPT_TS: "20240231143000",
      CHG_TS: "1",
      UPD_TS: digitsOf(Date.now()),
    });
    await move(staff, base + 4, 6);
    await eventually(async () => (await sent(base + 4)).length === 1);
    const states = await staff("HMS_OUTBOX")
      .whereIn("INSP_NO", [0, base + 3])
      .orderBy("INSP_NO")
      .pluck("STATE");
    expect(states).toEqual(["refused: schema_violation", "refused: no_time"]);
    await adapter.process.kill("SIGTERM");
  });

  test("killed again and again while City Health moves inspections, it loses none and sends none twice", async () => {
    const ids = Array.from({ length: 5 }, (_, index) => base + 10 + index);
    const last = new Map<number, number>();
    const all = () => sent(ids[0]!, ids.at(-1)!);
    let moving = true;
    const dieOften = async () => {
      for (let death = 0; death < 4; death++) {
        await start();
        const before = (await all()).length;
        await eventually(async () => (await all()).length > before, { timeoutMs: 20_000 });
        await adapter.process.kill("SIGKILL");
      }
    };
    const moveOften = async () => {
      let n = 10;
      for (; moving; n++) {
        const id = ids[n % ids.length]!;
        await move(staff, id, n);
        last.set(id, n);
        // No faster than the adapter sends, when it lives.
        await eventually(async () => !moving || (await waiting()) < 10, { timeoutMs: 20_000 });
      }
      return n - 10;
    };
    const [moves] = await Promise.all([
      moveOften(),
      dieOften().finally(() => {
        moving = false;
      }),
    ]);
    await start();
    await eventually(
      async () => {
        const events = await all();
        for (const id of ids)
          expect(events.findLast(({ inspectionId }) => inspectionId === id)?.scheduledFor).toBe(
            rfc3339(last.get(id)!),
          );
      },
      { timeoutMs: 20_000 },
    );
    const events = await all();
    expect(new Set(events.map(({ scheduledFor }) => scheduledFor)).size).toBe(events.length);
    for (const id of ids) {
      const times = events.filter(({ inspectionId }) => inspectionId === id).map((each) => each.scheduledFor);
      expect(times).toEqual([...times].sort());
    }
    // Each move has its event in the outbox variant; a look at the rows finds the last of several.
    if (source === "outbox") expect(events).toHaveLength(moves);
    await adapter.process.kill("SIGTERM");
  }, 90_000);
});
