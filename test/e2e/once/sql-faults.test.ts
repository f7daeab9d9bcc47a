import knex, { type Knex } from "knex";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Bus, connect } from "../../../client/src/index.js";
import { createOnceTable, type Mapping, rowOf, upsert, writeOnce } from "../../../client/src/sql/index.js";
import { type BusFolder, busFolder, type RunningBus, startBus } from "../../support/bus.js";
import type { DatabaseServer } from "../../support/database-server.js";
import { eventually } from "../../support/eventually.js";
import { startMariaDb } from "../../support/mariadb.js";
import { startPostgres } from "../../support/postgres.js";

// What docs/sql-adapters.md lists, on a real bus: what becomes of an event whose row cannot be written.
const SECRET = "Geraldine O'Hara";
const mapping: Mapping = {
  PAY_ID: { from: "payload.id", type: "integer", required: true },
  AMT: { from: "payload.amount", type: "decimal(12,2)" },
  PAYEE: { from: "payload.payee" },
};

let folder: BusFolder;
let bus: RunningBus;
const servers: DatabaseServer[] = [];

beforeAll(async () => {
  servers.push(...(await Promise.all([startPostgres(), startMariaDb()])));
  const topic = (name: string) =>
    `${name}:\n  qos: at_least_once\n  retention: 7d\n  schema: v1\n  producers: [hms-api]\n` +
    "  consumers:\n    - { name: treasury, ack_wait: 5s, backoff: [1s] }\n";
  folder = await busFolder(`${topic("postgres")}\n${topic("mariadb")}`, ["postgres", "mariadb"]);
  bus = await startBus(folder);
});

afterAll(async () => {
  await bus?.process.kill("SIGTERM");
  await bus?.process.exited;
  await Promise.all(servers.map((server) => server.stop()));
  folder?.remove();
});

/** The adapter of the documentation, and all that it logs. */
async function adapter(topic: string, db: Knex): Promise<{ bus: Bus; lines: string[]; away: string[] }> {
  const lines: string[] = [];
  const away: string[] = [];
  const add = (message: string, fields?: unknown) => void lines.push(`${message} ${JSON.stringify(fields)}`);
  const logger = { info: add, warn: add, error: add };
  const connected = await connect({
    url: bus.url,
    token: bus.token,
    consumer: "treasury",
    drain: false,
    logger,
  });
  void connected.handle(topic, (msg) =>
    writeOnce(db, msg, (trx) => upsert(trx, "PAYMENTS", rowOf(mapping, msg.data, msg), ["PAY_ID"]), {
      onAway: (code) => away.push(code),
    }),
  );
  return { bus: connected, lines, away };
}

const reasons = {
  postgres: { long: "22001", check: "23514 positive" },
  mariadb: { long: "ER_DATA_TOO_LONG PAYEE", check: "ER_CONSTRAINT_FAILED positive" },
};

async function payments(db: Knex): Promise<void> {
  await createOnceTable(db);
  await db.schema.createTable("PAYMENTS", (table) => {
    table.integer("PAY_ID").primary();
    table.decimal("AMT", 12, 2);
    table.string("PAYEE", 12);
  });
  await db.raw("alter table ?? add constraint positive check (?? > 0)", ["PAYMENTS", "AMT"]);
}

test.each(["postgres", "mariadb"] as const)(
  "%s: what never fits is a dead letter with its cause, what may pass is tried again, and no value is told",
  async (topic) => {
    const server = servers[topic === "postgres" ? 0 : 1]!;
    const db = knex(server.config(await server.freshDatabase()));
    await payments(db);
    const at = await adapter(topic, db);
    const publish = (id: number, amount: string, payee: string) =>
      at.bus.publish(topic, { id, amount, payee });
    await publish(1, "1234567890.12", "fits");
    await publish(2, "1.999", SECRET);
    await publish(3, "1.00", SECRET);
    await publish(4, "-1.00", "x");
    const letters = await eventually(async () => {
      const { body } = await bus.call("GET", `/v1/dead-letters?topic=${topic}`);
      return body.dead_letters.length === 3 && (body.dead_letters as { reason: string }[]);
    });
    expect(letters.map(({ reason }) => reason).sort()).toEqual(
      [
        "mapping: payload.amount -> AMT decimal(12,2): too many decimal places",
        ...[reasons[topic].long, reasons[topic].check]
          .sort()
          .map((reason) => `the database refuses the row: ${reason}`),
      ].sort(),
    );

    await server.kill();
    await publish(5, "5.00", "kept");
    await eventually(() => at.away.length > 0);
    await server.restart();
    await eventually(async () => (await db("PAYMENTS").where({ PAY_ID: 5 })).length === 1);
    expect(await db("PAYMENTS").pluck("PAY_ID").orderBy("PAY_ID")).toEqual([1, 5]);
    expect((await db("PAYMENTS").where({ PAY_ID: 1 }).first()).AMT).toBe("1234567890.12");

    expect(at.lines.length).toBeGreaterThan(0);
    expect(at.lines.join("\n")).not.toContain("Geraldine");
    await at.bus.close();
    await db.destroy();
  },
  60_000,
);
