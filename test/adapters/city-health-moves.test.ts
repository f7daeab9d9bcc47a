import type { Knex } from "knex";
import knex from "knex";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { writeChange } from "../../adapters/city-health/src/calendar.js";
import { openDatabase } from "../../adapters/city-health/src/database.js";
import { type MoveSettings, type MoveSource, openMoves } from "../../adapters/city-health/src/moves.js";
import { unsent } from "../../adapters/city-health/src/outbox.js";
import { digitsOf } from "../../adapters/city-health/src/times.js";
import { freshCalendar } from "../support/adapter-databases.js";
import type { DatabaseServer } from "../support/database-server.js";
import { startMariaDb } from "../support/mariadb.js";

// What gets into HMS_OUTBOX, on a real MariaDB: everything that City Health moves, and nothing that HMS tells.
const OVERLAP_MS = 600_000;
const schedule = { table: "INSP_APPT", key: ["INSP_NO"] };

let server: DatabaseServer;
const open: Knex[] = [];

beforeAll(async () => {
  server = await startMariaDb();
});
afterEach(async () => {
  for (const database of open.splice(0)) await database.destroy();
});
afterAll(() => server?.stop());

interface Calendar {
  /** The adapter's connections. */
  readonly database: Knex;
  /** Those of City Health's own program. */
  readonly staff: Knex;
  readonly moves: MoveSource;
}

async function calendar(
  source: MoveSettings["source"],
  before: (staff: Knex) => Promise<void> = async () => undefined,
): Promise<Calendar> {
  const url = await freshCalendar(
    server,
    "calendar.sql",
    ...(source === "outbox" ? ["outbox.sql" as const] : []),
  );
  const staff = knex({ client: "mysql2", connection: url });
  const database = openDatabase(url);
  open.push(staff, database);
  await before(staff);
  return { database, staff, moves: (await openMoves(database, settings(source)))! };
}

const settings = (source: MoveSettings["source"]): MoveSettings => ({
  source,
  pollMs: 1_000,
  overlapMs: OVERLAP_MS,
});

const day = (number: number) => `202405${String(number).padStart(2, "0")}143000`;

/** Moves an inspection as City Health's program does; `at` is what its clock shows (ms since 1970). */
async function move(staff: Knex, INSP_NO: number, APPT_TS: string, at = Date.now()): Promise<void> {
  const row = { INSP_NO, APPT_TS, CHG_TS: digitsOf(at), UPD_TS: digitsOf(at) };
  await staff("INSP_APPT").insert(row).onConflict("INSP_NO").merge();
}

/** Writes an appointment that HMS tells, as the adapter does. */
async function hear({ database, moves }: Calendar, INSP_NO: number, APPT_TS: string): Promise<string> {
  const row = { INSP_NO, APPT_TS, CHG_TS: digitsOf(Date.now()) };
  return await database.transaction((trx) => moves.writing(trx, row, () => writeChange(trx, schedule, row)));
}

/** What the outbox has: inspection and appointment of each move, in their order. */
async function outbox({ database }: Pick<Calendar, "database">): Promise<[number, string][]> {
  return (await unsent(database, 1_000)).map(({ INSP_NO, APPT_TS }) => [INSP_NO, APPT_TS]);
}

test.each(["watermark", "outbox"] as const)(
  "%s: what is moved is there once, in order, however often one looks",
  async (source) => {
    const city = await calendar(source);
    const tie = Date.now();
    for (const id of [3, 1, 2]) await move(city.staff, id, day(id), tie);
    for (const whole of [true, false, false, true]) await city.moves.look(whole);
    await move(city.staff, 1, day(9));
    await city.moves.look(false);
    await city.moves.look(false);
    const found = await outbox(city);
    expect(found).toHaveLength(4);
    expect(found.slice(0, 3)).toEqual(expect.arrayContaining([1, 2, 3].map((id) => [id, day(id)])));
    expect(found[3]).toEqual([1, day(9)]);
  },
);

test.each(["watermark", "outbox"] as const)("%s: what HMS tells is not sent back", async (source) => {
  const city = await calendar(source);
  await hear(city, 1, day(1));
  await hear(city, 1, day(2));
  await city.moves.look(false);
  await city.moves.look(true);
  expect(await outbox(city)).toEqual([]);
  await move(city.staff, 1, day(1)); // back to what HMS had told before
  await city.moves.look(false);
  expect(await outbox(city)).toEqual([[1, day(1)]]);
});

test.each(["watermark", "outbox"] as const)(
  "%s: what stood there at the first start is not sent",
  async (source) => {
    const city = await calendar(source, (staff) =>
      source === "outbox" ? Promise.resolve() : move(staff, 1, day(1)),
    );
    await city.moves.look(true);
    expect(await outbox(city)).toEqual([]);
    await openMoves(city.database, settings(source));
    await move(city.staff, 1, day(2));
    await openMoves(city.database, settings(source)); // a later start takes nothing for known
    await city.moves.look(true);
    expect(await outbox(city)).toEqual([[1, day(2)]]);
  },
);

test.each(["watermark", "outbox"] as const)("%s: a move that is rolled back is none", async (source) => {
  const city = await calendar(source);
  const trx = await city.staff.transaction();
  await move(trx, 1, day(1));
  await city.moves.look(false);
  await trx.rollback();
  await city.moves.look(true);
  expect(await outbox(city)).toEqual([]);
});

test.each(["watermark", "outbox"] as const)(
  "%s: a move that HMS overwrites before anybody looks is sent all the same",
  async (source) => {
    const city = await calendar(source);
    await hear(city, 1, day(1));
    await move(city.staff, 1, day(2), Date.now() - 1_000);
    expect(await hear(city, 1, day(3))).toBe("written");
    await city.moves.look(true);
    expect(await outbox(city)).toEqual([[1, day(2)]]);
  },
);

test.each(["watermark", "outbox"] as const)(
  "%s: a move that is committed after a later one was seen is found",
  async (source) => {
    const city = await calendar(source);
    await move(city.staff, 9, day(9));
    await city.moves.look(true);
    const late = await city.staff.transaction();
    await move(late, 1, day(1), Date.now() - OVERLAP_MS / 2);
    await move(city.staff, 2, day(2));
    await city.moves.look(false);
    await late.commit();
    await city.moves.look(false);
    expect((await outbox(city)).slice(1)).toEqual(
      expect.arrayContaining([
        [1, day(1)],
        [2, day(2)],
      ]),
    );
    expect(await outbox(city)).toHaveLength(3);
  },
);

test("watermark: a clock that was ahead takes no right time with it", async () => {
  const city = await calendar("watermark");
  await move(city.staff, 1, day(1), Date.now() + 86_400_000);
  await city.moves.look(true);
  await move(city.staff, 2, day(2));
  await city.moves.look(false);
  expect(await outbox(city)).toEqual([
    [1, day(1)],
    [2, day(2)],
  ]);
});

test("watermark: a clock that is behind by more than the overlap is found by a look at the whole", async () => {
  const city = await calendar("watermark");
  await move(city.staff, 1, day(1));
  await city.moves.look(true);
  await move(city.staff, 2, day(2), Date.now() - 2 * OVERLAP_MS);
  await city.moves.look(false);
  expect(await outbox(city)).toEqual([[1, day(1)]]);
  await city.moves.look(true);
  expect(await outbox(city)).toEqual([
    [1, day(1)],
    [2, day(2)],
  ]);
});

test("watermark: more moves than one look takes at a time are all found", async () => {
  const city = await calendar("watermark");
  const now = digitsOf(Date.now());
  const rows = Array.from({ length: 1_201 }, (_, index) => ({
    ...{ INSP_NO: index + 1, APPT_TS: day(1), CHG_TS: now, UPD_TS: now },
  }));
  await city.staff("INSP_APPT").insert(rows);
  await city.moves.look(false);
  expect(await city.database("HMS_OUTBOX").count("* as n")).toEqual([{ n: 1_201 }]);
});

test("watermark: two adapters that look at the same moment find each move once", async () => {
  const city = await calendar("watermark");
  for (const id of [1, 2, 3, 4, 5]) await move(city.staff, id, day(id));
  await Promise.all([1, 2, 3].map(() => city.moves.look(true)));
  expect(await outbox(city)).toHaveLength(5);
});

test("watermark: moves from while nothing was to be sent are not sent later", async () => {
  const city = await calendar("watermark");
  expect(await openMoves(city.database, settings("none"))).toBeUndefined();
  await move(city.staff, 1, day(1));
  const moves = await openMoves(city.database, settings("watermark"));
  await moves!.look(true);
  expect(await outbox(city)).toEqual([]);
});

test("outbox: each move of an inspection is there, and a change of something else is none", async () => {
  const city = await calendar("outbox");
  for (const number of [1, 2, 1]) await move(city.staff, 1, day(number));
  await city.staff("INSP_APPT").update({ UPD_TS: digitsOf(Date.now()) });
  expect(await outbox(city)).toEqual([
    [1, day(1)],
    [1, day(2)],
    [1, day(1)],
  ]);
});

test("outbox: without its table the adapter says what to run", async () => {
  const { database } = await calendar("watermark");
  await database.schema.dropTable("HMS_OUTBOX");
  await expect(openMoves(database, settings("outbox"))).rejects.toThrow(
    /no table HMS_OUTBOX; run sql\/outbox\.sql/,
  );
});
