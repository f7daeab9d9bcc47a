import { afterEach, describe, expect, test, vi } from "vitest";
import type { EventStream } from "../../../src/cli/gateway-client.js";
import { Subscription, type SubscriptionParts } from "../../../src/cli/subscription.js";
import { HmsSyncError } from "../../../src/errors.js";
import { readSince } from "../../../src/gateway/events-route.js";

afterEach(() => void vi.useRealTimers());

interface Entry {
  readonly recorded: number;
  readonly text: string;
}

/** A topic's ledger behind connections that end as the test says. */
class FakeBus {
  readonly entries: Entry[] = [];
  readonly asked: (string | undefined)[] = [];
  printed = "";
  readonly notes: string[] = [];
  readonly abort = new AbortController();

  /** `connections[i]` gives the chunks of the i-th connection, or throws. */
  constructor(private readonly connections: ((kept: string[]) => Iterable<string>)[]) {}

  /** Records an event; its producer's clock is ahead by `aheadMs`. */
  record(id: string, recorded = Date.now(), aheadMs = 0): void {
    const time = new Date(recorded + aheadMs).toISOString();
    this.entries.push({ recorded, text: JSON.stringify({ topic: "t", id, source: "s", time }) });
  }

  async run(since: string | undefined, follow: boolean, parts: Partial<SubscriptionParts> = {}) {
    const subscription = new Subscription(
      {
        open: async (from) => this.open(from),
        print: async (lines) => {
          this.printed += Buffer.from(lines).toString();
        },
        note: (text) => this.notes.push(text),
        pause: async () => {},
        ...parts,
      },
      "t",
      { since, follow },
    );
    await subscription.run(this.abort.signal);
  }

  ids(): string[] {
    return this.printed
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line).id);
  }

  private open(since: string | undefined): EventStream {
    this.asked.push(since);
    const connection = this.connections[this.asked.length - 1];
    if (connection === undefined) {
      this.abort.abort();
      throw away();
    }
    const from = since === undefined ? Date.now() : readSince(since, Date.now());
    const kept = this.entries.filter(({ recorded }) => recorded >= from).map(({ text }) => text);
    return { clockOffsetMs: 0, chunks: chunks(connection(kept)) };
  }
}

async function* chunks(texts: Iterable<string>): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

const away = () => new HmsSyncError("bus_unreachable", "nobody", { status: 503, retryable: true });
const whole = (kept: string[]) => kept.map((text) => `${text}\n`);
const minute = 60_000;

describe("a reader that stays at the ledger's end", () => {
  test("prints each line as it came, however it is cut into chunks, and no empty ones", async () => {
    const text = '{"id":"1", "payload":{"n":12345678901234567890,"u":"é🏥"}}';
    const bytes = Buffer.from(`\n${text}\n\n${text}\n`);
    const bus = new FakeBus([]);
    await bus.run("0", false, {
      open: async () => ({
        clockOffsetMs: 0,
        chunks: (async function* () {
          for (const byte of bytes) yield Uint8Array.of(byte);
        })(),
      }),
    });
    expect(bus.printed).toBe(`${text}\n${text}\n`);
  });

  test("goes on when the connection ended in the middle of a line, without half a line or a repeated one", async () => {
    const bus = new FakeBus([([first, second]) => [`${first}\n`, second!.slice(0, 20)], whole]);
    bus.record("1");
    bus.record("2");
    await bus.run("10m", false);
    expect(bus.ids()).toEqual(["1", "2"]);
  });

  test("gives up when the bus stays away", async () => {
    const half = () => ["{"];
    const bus = new FakeBus([half]);
    const open = async () => {
      bus.asked.push("again");
      throw away();
    };
    let tries = 0;
    const opening = async (): Promise<EventStream> =>
      tries++ === 0 ? { clockOffsetMs: 0, chunks: chunks(half()) } : await open();
    await expect(bus.run("0", false, { open: opening })).rejects.toMatchObject({ code: "bus_unreachable" });
    expect(tries).toBe(11);
  });
});

describe("a follower", () => {
  test("reads on where it was when the bus comes back, and prints nothing twice", async () => {
    const bus = new FakeBus([
      whole,
      () => {
        bus.record("3");
        return [];
      },
      whole,
    ]);
    bus.record("1", Date.now() - 5 * minute);
    bus.record("2", Date.now() - minute);
    await bus.run("10m", true);
    expect(bus.ids()).toEqual(["1", "2", "3"]);
  });

  test("from now on prints nothing from before, not even after a reconnect", async () => {
    const bus = new FakeBus([
      () => {
        bus.record("new");
        return [`${bus.entries.at(-1)!.text}\n`];
      },
      whole,
      whole,
    ]);
    bus.record("old", Date.now() - 10);
    await bus.run(undefined, true);
    expect(bus.asked[0]).toBeUndefined();
    expect(bus.ids()).toEqual(["new"]);
  });

  test("asks again from where the window began while nothing came: a longer outage takes nothing from it", async () => {
    const bus = new FakeBus([() => [], whole]);
    bus.record("edge", Date.now() - 10 * minute + 2_000);
    await bus.run("10m", true);
    expect(Math.abs(Date.now() - 10 * minute - Date.parse(bus.asked[1]!))).toBeLessThan(1_000);
    expect(bus.ids()).toEqual(["edge"]);
  });

  test("does not read a long backlog again", async () => {
    const bus = new FakeBus([whole, whole]);
    for (let i = 0; i < 50; i++) bus.record(String(i), Date.now() - (50 - i) * 10 * minute);
    await bus.run("0", true);
    expect(Date.parse(bus.asked[1]!)).toBeGreaterThan(Date.now() - 13 * minute);
  });

  test("loses nothing when it breaks off in a backlog of a producer whose clock is a minute ahead", async () => {
    const bus = new FakeBus([([first]) => [`${first}\n`], whole]);
    bus.record("1", Date.now() - 9 * minute, minute);
    bus.record("2", Date.now() - 8.5 * minute, minute);
    await bus.run("10m", true);
    expect(bus.ids()).toEqual(["1", "2"]);
  });

  test("loses nothing to a producer whose clock is an hour ahead, however long the bus is away", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const bus = new FakeBus([whole, whole]);
    bus.record("1", Date.now(), 60 * minute);
    const pause = async () => {
      bus.record("2", Date.now() + minute);
      vi.setSystemTime(Date.now() + 10 * minute);
    };
    await bus.run("10m", true, { pause });
    expect(bus.ids()).toEqual(["1", "2"]);
  });

  test("keeps events apart that share an id and not the source", async () => {
    const bus = new FakeBus([([first]) => [`${first}\n`], whole]);
    bus.record("1");
    bus.entries.push({ ...bus.entries[0]!, text: bus.entries[0]!.text.replace('"s"', '"other"') });
    await bus.run("10m", true);
    expect(bus.ids()).toEqual(["1", "1"]);
  });

  test("says once that the bus is lost and once that it is back", async () => {
    const bus = new FakeBus([]);
    let tries = 0;
    const open = async (): Promise<EventStream> => {
      tries++;
      if (tries === 1 || tries === 6) return { clockOffsetMs: 0, chunks: chunks([]) };
      if (tries === 7) bus.abort.abort();
      throw away();
    };
    const pauses: number[] = [];
    const pause = async (failures: number) => void pauses.push(failures);
    await bus.run("10m", true, { open, pause });
    expect(pauses.slice(0, 5)).toEqual([1, 2, 3, 4, 5]);
    expect(bus.notes).toEqual([
      "following t; Ctrl-C ends",
      "lost the bus (the bus ended the stream); trying again until it is back",
      "back: t goes on",
    ]);
  });

  test.each([
    ["nobody answers at the first try", [away()]],
    ["the token is no longer valid", ["open", new HmsSyncError("unauthorized", "no", { status: 401 })]],
  ])("ends with the error when %s", async (_why, steps) => {
    const bus = new FakeBus([]);
    const open = async (): Promise<EventStream> => {
      const step = steps.shift();
      if (step instanceof Error) throw step;
      return { clockOffsetMs: 0, chunks: chunks([]) };
    };
    await expect(bus.run("10m", true, { open })).rejects.toBeInstanceOf(HmsSyncError);
  });

  test("ends when nobody reads its lines", async () => {
    const bus = new FakeBus([whole]);
    bus.record("1");
    const print = async () => {
      throw Object.assign(new Error("write EPIPE"), { code: "EPIPE" });
    };
    await expect(bus.run("10m", true, { print })).rejects.toMatchObject({ code: "EPIPE" });
  });
});
