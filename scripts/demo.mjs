/**
 * The belt on one machine: starts a bus, the adapters city-health and ehr-clinic, completes inspections in the Laravel
 * application and shows how long each took to reach both databases and whether all agree; then City Health moves one in its
 * calendar, and HMS and the clinic hear of it. Keeps running until Ctrl-C; with --once it ends, with 0 when all is as it must be and
 * 1 when not. Its state stands in .hms-sync/demo (--state=DIR).
 */
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { consumersWaiting, freshKey, plainEnvironment, startBus } from "./demo/bus.mjs";
import {
  appointment,
  appointmentWrittenAt,
  differences,
  inspections,
  moveInCalendar,
  nextInspection,
} from "./demo/databases.mjs";
import { Laravel } from "./demo/laravel.mjs";
import { occupy } from "./demo/lock.mjs";
import { Interrupted, Problem } from "./demo/problem.mjs";
import { endedEarly, Processes, shown } from "./demo/processes.mjs";
import { root } from "./lib/paths.mjs";
import { say } from "./lib/run.mjs";

const ADAPTERS = ["city-health", "ehr-clinic"];
const INSPECTIONS = 5;
const POLL_MS = 200; // how often city-health looks whether its calendar was changed
const USAGE = "usage: npm run demo -- [--once] [--state=DIR] [--timeout=SECONDS]";
const SAME_SIGNAL_MS = 500; // npm passes Ctrl-C on to a program that the terminal has told already

process.exitCode = await main();

async function main() {
  const options = readOptions();
  if (options === undefined) return 2;
  let leave = () => {};
  const processes = new Processes(options.folder);
  const interrupted = onSignals(processes, options.once ? 1 : 0);
  try {
    leave = occupy(options.folder);
    return await Promise.race([run(processes, options), interrupted]);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    say(`\n${error.message}`);
    return 1;
  } finally {
    await processes.stop();
    leave();
  }
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        once: { type: "boolean", default: false },
        state: { type: "string", default: join(root, ".hms-sync", "demo") },
        timeout: { type: "string", default: "30" },
      },
    });
    if (!/^\d{1,4}$/.test(values.timeout))
      throw new Error(`--timeout=${values.timeout} is no number of seconds`);
    return { once: values.once, folder: resolve(values.state), timeoutMs: Number(values.timeout) * 1_000 };
  } catch (error) {
    process.stderr.write(`${error.message}\n${USAGE}\n`);
    return undefined;
  }
}

/** Resolves with `code` at the first Ctrl-C (or SIGTERM, or a closed terminal); the next one waits for nothing. */
function onSignals(processes, code) {
  return new Promise((done) => {
    let first;
    const onSignal = () => {
      if (first === undefined) {
        first = Date.now();
        say("\nstopping …");
        done(code);
      } else if (Date.now() - first > SAME_SIGNAL_MS) {
        processes.kill();
      }
    };
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(name, onSignal);
  });
}

async function run(processes, { once, timeoutMs }) {
  try {
    const bus = await startBus(processes);
    sayBus(bus);
    const adapters = [];
    for (const name of ADAPTERS) adapters.push(await startAdapter(processes, bus, name));
    const laravel = new Laravel(processes, bus, (await freshKey(bus, "hms-api")).token);
    await laravel.migrate();
    const listener = laravel.listen();
    row(
      "HMS",
      `the Laravel application of test/laravel-app, ${laravel.client}; its database ${shown(laravel.database)}`,
    );
    row("", "php artisan hms-sync:listen brings in what agencies change");
    const mishap = firstToEnd([bus.process, listener, ...adapters.map((adapter) => adapter.process)]);
    const agreed = await Promise.race([
      show(processes, bus, adapters, { laravel, listener }, timeoutMs),
      mishap,
    ]);
    if (once) return agreed ? 0 : 1;
    sayHowToGoOn(processes.folder);
    return await mishap;
  } catch (error) {
    if (error instanceof Interrupted) return 0;
    throw error;
  }
}

async function startAdapter(processes, bus, name) {
  const { token, revoked } = await freshKey(bus, name);
  const database = join(processes.folder, `${name}.sqlite`);
  const env = {
    ...{ ...plainEnvironment(), HMS_SYNC_URL: bus.url, HMS_SYNC_TOKEN: token },
    ...{ DATABASE_URL: database, HL7_DIRECTORY: join(processes.folder, "hl7") },
    ...{ RESCHEDULE_SOURCE: "watermark", RESCHEDULE_POLL_MS: String(POLL_MS) },
  };
  const main = join(root, "adapters", name, "dist", "src", "main.js");
  const started = processes.start(name, process.execPath, [main], env);
  const old = revoked === 0 ? "" : " (the key of the last demo is revoked)";
  row(name, `adapter with the key ${token.slice(0, 10)}…${old}; its database ${shown(database)}`);
  return { name, database, process: started };
}

/** Rejects when one of them ends; those that are stopped at the end are no longer waited for. */
async function firstToEnd(started) {
  const ends = started.map(async (each) => [each, await each.ended]);
  const [ended, outcome] = await Promise.race(ends);
  throw endedEarly(ended, outcome);
}

/** Completes inspections and watches them arrive; gives whether all databases agree. */
async function show(processes, bus, adapters, { laravel, listener }, timeoutMs) {
  await consumersWaiting(bus, "inspections.status", adapters, timeoutMs);
  const places = [{ name: "HMS", database: laravel.database, process: listener }, ...adapters];
  const first = nextInspection(places);
  const ids = Array.from({ length: INSPECTIONS }, (_, index) => first + index);
  say(`\nCompleting the inspections ${first} to ${ids.at(-1)} in Laravel; from event() to the row:\n`);
  row("inspection", ...adapters.map(({ name }) => name.padEnd(14)));
  const deadline = Date.now() + timeoutMs;
  for await (const fired of laravel.complete(ids)) {
    const arrived = await Promise.all(
      adapters.map((adapter) => arrival(processes, adapter, fired, deadline)),
    );
    row(fired.id, ...arrived.map((text) => text.padEnd(14)));
  }
  const agree = sayWhetherAllAgree(ids, places, adapters);
  return (await showTheWayBack(processes, bus, places, ids.at(-1), timeoutMs)) && agree;
}

/** City Health moves an inspection in its calendar: HMS takes it up, the clinic hears of it, City Health is not told what it told. */
async function showTheWayBack(processes, bus, places, id, timeoutMs) {
  const [hms, city, clinic] = places;
  await consumersWaiting(bus, "inspections.rescheduled", [{ ...hms, name: "hms-api" }], timeoutMs);
  const scheduledFor = new Date(Math.ceil(Date.now() / 3_600_000) * 3_600_000 + 24 * 3_600_000);
  const digits = scheduledFor.toISOString().replaceAll(/\D/g, "").slice(0, 14);
  say(
    `\nCity Health moves inspection ${id} to ${scheduledFor.toISOString()} in its calendar; from there to the row:\n`,
  );
  const at = Date.now();
  moveInCalendar(city.database, id, digits, at);
  const took = [];
  for (const place of [hms, clinic]) {
    took.push(await appointed(processes, place, id, digits, { at, deadline: at + timeoutMs }));
    row(place.name, took.at(-1) ?? "missing");
  }
  const told = appointmentWrittenAt(city.database, id) !== at;
  row(city.name, told ? "was told what it had told itself" : "is not told what it told itself");
  return took.every((ms) => ms !== undefined) && !told;
}

/** How long it took until a database had the appointment, in words; undefined when it does not come. */
async function appointed(processes, { name, database }, id, digits, { at, deadline }) {
  for (; Date.now() < deadline; await delay(5)) {
    processes.mustGoOn();
    if (appointment(name, database, id) === digits) return `${Date.now() - at} ms`;
  }
  return undefined;
}

/** How long it took, in words. A database that cannot be read just then is looked at again. */
async function arrival(processes, { name, database }, { id, at }, deadline) {
  for (; Date.now() < deadline; await delay(5)) {
    processes.mustGoOn();
    const writtenAt = writtenTime(name, database, id);
    if (writtenAt !== undefined) return writtenAt > at ? `${writtenAt - at} ms` : "under 1 ms";
  }
  return "missing";
}

function writtenTime(name, database, id) {
  try {
    return inspections(name, database, [id])[0]?.writtenAt;
  } catch (error) {
    if (error instanceof Problem) return undefined;
    throw error;
  }
}

function sayWhetherAllAgree(ids, places, adapters) {
  const found = places.map(({ name, database }) => [name, inspections(name, database, ids)]);
  const problems = differences(ids, Object.fromEntries(found));
  if (problems.length === 0) say(`\nHMS, city-health and ehr-clinic agree on all ${ids.length} inspections.`);
  else say(`\nThe databases do not agree:\n${problems.map((problem) => `  ${problem}`).join("\n")}`);
  for (const { name, process: started } of problems.length === 0 ? [] : adapters)
    if (problems.some((problem) => problem.startsWith(name))) say(`  what ${name} says: ${started.logFile}`);
  return problems.length === 0;
}

function sayBus({ url, portIsFree, redis }) {
  say("HMS-Sync demo\n");
  row(
    "bus",
    `${url}, with a Redis of its own on port ${redis.port}${portIsFree ? "" : " (port 8480 is taken)"}`,
  );
}

function sayHowToGoOn(folder) {
  const command = `HMS_SYNC_STATE=${shown(folder)} npx hms-sync`;
  say("\nAll keeps running. In another terminal:\n");
  say(`  ${command} subscribe inspections.status --since=10m`);
  say(`  ${command} publish inspections.status '{"inspectionId":99,"newStatus":"Completed"}'`);
  say(`  ${command} status\n\nCtrl-C stops everything.`);
}

function row(first, ...rest) {
  say(`  ${String(first).padEnd(13)} ${rest.join(" ")}`.trimEnd());
}
