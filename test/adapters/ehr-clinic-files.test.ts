import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { fieldOf, parseMessage } from "../../adapters/ehr-clinic/test/hl7-parser.js";
import { idsIn, postEvent, type RunningAdapter, startAdapter, tokenOf } from "../support/adapters.js";
import { type BusFolder, busFolder, type RunningBus, startBus } from "../support/bus.js";
import { eventually } from "../support/eventually.js";

// Each test starts the adapter once or twice: seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000 });
const patient = { timeoutMs: 25_000 };

const topic = "inspections.status";
const schedule = "inspections.schedule";
const entry = (name: string) => `
${name}:
  qos: exactly_once
  retention: 7d
  schema: v1
  producers: [hms-api]
  consumers:
    - { name: ehr-clinic, ack_wait: 1s, backoff: [50ms] }
`;

let folder: BusFolder;
let bus: RunningBus;
let token: string;
let database: string;
let hl7: string;
let number = 0;

beforeAll(async () => {
  folder = await busFolder(entry(topic) + entry(schedule), [topic, schedule]);
  bus = await startBus(folder);
  token = await tokenOf(bus, "ehr-clinic");
});
afterAll(async () => {
  await bus?.process.kill("SIGTERM");
  folder?.remove();
});
beforeEach(() => {
  database = join(mkdtempSync(join(tmpdir(), "clinic-")), "register.sqlite");
  hl7 = join(dirname(database), "hl7");
  number++;
});

const start = (settings: Readonly<Record<string, string>> = {}) =>
  startAdapter("ehr-clinic", database, { url: bus.url, token }, { HL7_DIRECTORY: hl7, ...settings });
const startMortal = (point: string) =>
  start({
    CRASH_AT: point,
    NODE_OPTIONS: `--import=${pathToFileURL(resolve(import.meta.dirname, "ehr-clinic/crash.mjs"))}`,
  });

const complete = (inspectionId: number, completedBy = "INSPECTOR_1337") =>
  postEvent(bus, topic, `event-${inspectionId}`, { inspectionId, newStatus: "Completed", completedBy });

/** None where the adapter has not yet made the folder. */
function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

async function owed(of: string): Promise<number> {
  return (await bus.call("GET", "/v1/status")).body.topics[of].consumers["ehr-clinic"].owed;
}
const settled = () =>
  eventually(async () => (await owed(topic)) === 0 && (await owed(schedule)) === 0, patient);

/** What the clinic's reader finds, and what it does not look at. */
const files = () => namesIn(hl7).filter((name) => name.endsWith(".hl7"));
const unfinished = () => namesIn(hl7).filter((name) => !name.endsWith(".hl7"));
const messageIn = (name: string, encoding: BufferEncoding = "utf8") =>
  parseMessage(readFileSync(join(hl7, name), encoding));
const identity = (name: string) => ({ name, inode: statSync(join(hl7, name)).ino });
const lines = () => idsIn({ name: "ehr-clinic", database });

interface CrashPoint {
  readonly point: string;
  /** What is there then. */
  readonly left: { readonly files: number; readonly unfinished: number; readonly lines: number };
  /** The clinic's reader takes the file away before the adapter is started again. */
  readonly taken?: boolean;
  /** How many files are there in the end. */
  readonly end: number;
}

test.each<CrashPoint>([
  { point: "half-written", left: { files: 0, unfinished: 1, lines: 0 }, end: 1 },
  { point: "written", left: { files: 0, unfinished: 1, lines: 0 }, end: 1 },
  { point: "renamed", left: { files: 1, unfinished: 0, lines: 0 }, end: 1 },
  { point: "uncommitted", left: { files: 1, unfinished: 0, lines: 0 }, taken: true, end: 1 },
  { point: "committed", left: { files: 1, unfinished: 0, lines: 1 }, taken: true, end: 0 },
])(
  "killed when an event is $point, it enters one line, and the same file or none again",
  async ({ point, left, taken = false, end }) => {
    const id = number * 1_000;
    const mortal = await startMortal(point);
    await complete(id);
    expect(await mortal.process.exited).toEqual({ code: null, signal: "SIGKILL" });
    expect(await owed(topic)).toBe(1);
    const found = { files: files().length, unfinished: unfinished().length, lines: (await lines()).length };
    expect(found).toEqual(left);
    const before = files().map(identity);
    if (taken) for (const name of files()) rmSync(join(hl7, name));
    await start();
    await settled();
    expect(await lines()).toEqual([id]);
    expect(unfinished()).toEqual([]);
    expect(files()).toHaveLength(end);
    for (const [index, name] of files().entries()) {
      expect(fieldOf(messageIn(name), "ZEV", 1)).toBe(`event-${id}`);
      if (before.length === 0) continue;
      expect(name).toBe(before[index]!.name);
      // Left alone where it still was: nobody sees it come a second time.
      if (!taken) expect(identity(name)).toEqual(before[index]);
    }
  },
);

test("whoever reads the folder while files are written never sees a part of one", async () => {
  const ids = Array.from({ length: 10 }, (_, n) => number * 1_000 + n);
  const firstSeen = new Map<string, string>();
  await startMortal("never");
  await Promise.all(ids.map((id) => complete(id)));
  const read = () => {
    for (const name of files().filter((each) => !firstSeen.has(each)))
      firstSeen.set(name, readFileSync(join(hl7, name), "utf8"));
    return firstSeen.size >= ids.length;
  };
  await eventually(read, { ...patient, everyMs: 1 });
  await settled(); // what is not acked would come to the next test
  const events = [...firstSeen.values()].map((text) => fieldOf(parseMessage(text), "ZEV", 1));
  expect(events.sort()).toEqual(ids.map((id) => `event-${id}`).sort());
});

test("both topics become messages, in the charset that the clinic's reader reads", async () => {
  await start({ HL7_CHARSET: "8859/1" });
  const id = number * 1_000;
  await complete(id, "Müller|A^B");
  await postEvent(bus, schedule, "moved", { inspectionId: id, scheduledFor: "2024-05-02T09:30:00-05:00" });
  await settled();
  const messages = files().map((name) => messageIn(name, "latin1"));
  const of = (type: string) => messages.find((message) => fieldOf(message, "MSH", 9) === type)!;
  expect(messages).toHaveLength(2);
  expect(fieldOf(of("ORU"), "OBX", 16)).toBe("Müller|A^B");
  expect(fieldOf(of("ORU"), "MSH", 18)).toBe("8859/1");
  expect(fieldOf(of("SIU"), "SCH", 11, 4)).toBe("20240502143000+0000");
});

test("a charset that there is not ends it at once, with the ones there are", async () => {
  const adapter: RunningAdapter = await start({ HL7_CHARSET: "latin1" });
  expect(await adapter.process.exited).toEqual({ code: 1, signal: null });
  expect(adapter.process.output()).toContain(
    'HL7_CHARSET is \\"latin1\\"; write ASCII, or 8859/1, or UNICODE UTF-8',
  );
});
