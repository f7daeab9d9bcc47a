import type { Knex } from "knex";
import { describe, expect, test } from "vitest";
import { createOnceTable, StaleLease, whenReachable, writeOnce } from "../../src/sql/index.js";
import { databases } from "../support/databases.js";
import { eventMessage } from "../support/message.js";

const at = databases("PostgreSQL", "MariaDB");
const SECRET = "O'Hara-4711";

async function prepared(name: "PostgreSQL" | "MariaDB"): Promise<Knex> {
  const knex = await at.open(name);
  await createOnceTable(knex);
  await knex.schema.createTable("payments", (table) => {
    table.integer("id").primary();
    table.string("payee", 10);
  });
  return knex;
}

describe.each(["PostgreSQL", "MariaDB"] as const)("writeOnce on %s", (name) => {
  test("while the database is away the event is kept, and written once when it is back", async () => {
    const knex = await prepared(name);
    const server = at.server(name);
    const away: string[] = [];
    await server.kill();
    let restarted: Promise<void> | undefined;
    const written = await writeOnce(
      knex,
      eventMessage(),
      (trx) => trx("payments").insert({ id: 1, payee: "x" }),
      {
        onAway(code) {
          away.push(code);
          if (away.length === 2) restarted = server.restart();
        },
      },
    );
    await restarted;
    expect(written).toBe(true);
    expect(away.length).toBeGreaterThanOrEqual(2);
    expect(await knex("payments").pluck("id")).toEqual([1]);
    expect(await writeOnce(knex, eventMessage(), () => Promise.reject(new Error("again")))).toBe(false);
  });

  test("what an adapter begins with waits for a database that is not up yet; another error is not waited for", async () => {
    const knex = await at.open(name);
    const server = at.server(name);
    await server.kill();
    let restarted: Promise<void> | undefined;
    const onAway = () => {
      restarted ??= server.restart();
    };
    await whenReachable(() => createOnceTable(knex), { onAway });
    await restarted;
    await expect(whenReachable(() => knex("absent").select())).rejects.toThrow(/absent/);
    expect(await knex("hms_sync_once").select()).toEqual([]);
  });

  test("a database that dies under the transaction leaves nothing half, and the event is written when it is back", async () => {
    const knex = await prepared(name);
    const server = at.server(name);
    let restarted: Promise<void> | undefined;
    let tries = 0;
    const written = await writeOnce(
      knex,
      eventMessage(),
      async (trx) => {
        await trx("payments").insert({ id: 1, payee: "x" });
        if (++tries === 1) await server.kill();
      },
      {
        onAway() {
          restarted ??= server.restart();
        },
      },
    );
    await restarted;
    expect([written, tries]).toEqual([true, 2]);
    expect(await knex("payments").pluck("id")).toEqual([1]);
  });

  test("an event that waits longer than its lease can be kept is given up", async () => {
    const knex = await prepared(name);
    const server = at.server(name);
    await server.kill();
    const waiting = writeOnce(knex, eventMessage({ leaseEndsAt: performance.now() + 300 }), () => undefined);
    await expect(waiting).rejects.toThrow(StaleLease);
    await server.restart();
  });

  test("a row that the database refuses is a dead letter with code and constraint, and no value", async () => {
    const knex = await prepared(name);
    await knex("payments").insert({ id: 1, payee: "x" });
    const twice = writeOnce(knex, eventMessage(), (trx) =>
      trx("payments").insert({ id: 1, payee: SECRET.slice(0, 9) }),
    );
    const reasons = { PostgreSQL: "23505 payments_pkey", MariaDB: "ER_DUP_ENTRY PRIMARY" };
    await expect(twice).rejects.toMatchObject({
      name: "Permanent",
      reason: `the database refuses the row: ${reasons[name]}`,
    });
    const long = await writeOnce(knex, eventMessage(), (trx) =>
      trx("payments").insert({ id: 2, payee: SECRET }),
    ).catch((error: unknown) => error);
    expect(long).toMatchObject({ name: "Permanent" });
    expect(`${(long as Error).message}${(long as { reason?: string }).reason}`).not.toContain(SECRET);
    expect(await writeOnce(knex, eventMessage(), () => undefined)).toBe(true); // no record was left behind
  });
});
