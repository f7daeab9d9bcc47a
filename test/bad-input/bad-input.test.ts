import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { type Bytes, bytesOf, marker } from "./bytes.js";
import {
  casesOf,
  type Expected,
  type HttpCase,
  type ProtocolCase,
  type PubSubCase,
  type StreamCase,
} from "./cases.js";
import {
  type CorpusBus,
  corpusBus,
  goodTopics,
  type KeptReject,
  laravelPrefix,
  post,
  pull,
  rejectsOf,
  residentMiB,
  type Signing,
  signed,
} from "./corpus-bus.js";
import { type RawAnswer, sendRaw } from "./raw-http.js";
import { request } from "./request.js";

let corpus: CorpusBus;
/** Events of the corpus that are good: they are all that may be in the ledger. */
const good: Record<string, number> = { notes: 1, strict: 1 };

beforeAll(async () => {
  corpus = await corpusBus();
});
afterAll(() => corpus.close());

async function recorded(): Promise<Record<string, number>> {
  const { body } = await corpus.bus.call("GET", "/v1/status");
  return { notes: body.topics.notes.recorded, strict: body.topics.strict.recorded };
}

function expectProblem(answer: RawAnswer, { status, code }: Expected): void {
  const isProblem = /^content-type: application\/problem\+json/im.test(answer.headers);
  const problem = isProblem
    ? JSON.parse(answer.body)
    : { code: answer.status === 0 ? "closed" : answer.body };
  expect([answer.status, problem.code]).toEqual([status, code]);
  if (status === 0) return;
  expect(problem).toMatchObject({ status, detail: expect.stringMatching(/^.{10,1000}$/s) });
}

describe("HTTP", () => {
  test.each(casesOf<HttpCase>("http"))("%s", async (_name, { raw, ...rest }) => {
    const bytes = raw === undefined ? request(rest, corpus.values) : bytesOf(raw, corpus.values);
    expectProblem(await sendRaw(corpus.port, bytes), rest);
  });

  test("none of it was recorded", async () => expect(await recorded()).toEqual(good));

  test("an event with bytes behind it that are no HTTP is recorded, and its sender told so", async () => {
    const body = '{"note":"followed"}';
    const whole = {
      path: "/v1/topics/notes/events",
      method: "POST",
      headers: { connection: "keep-alive" },
      body,
    };
    const bytes = [request(whole, corpus.values), Buffer.from(`${marker}\r\n\r\n`)];
    const answer = await sendRaw(corpus.port, Buffer.concat(bytes));
    good.notes!++;
    expect([answer.status, JSON.parse(answer.body).duplicate]).toEqual([202, false]);
    expect(answer.headers.toLowerCase()).toContain("connection: close");
    expect(await recorded()).toEqual(good);
  });
});

describe("a signature", () => {
  const body = `{"note":"${marker}"}`;
  test.each(casesOf<HttpCase & Signing>("signatures"))("%s", async (_name, { path, headers, ...rest }) => {
    const bytes = bytesOf(rest.body ?? body);
    const all = { authorization: null, ...signed(corpus, rest, bytes), ...headers };
    const whole = { path: path ?? "/v1/topics/notes/events", method: "POST", headers: all };
    expectProblem(
      await sendRaw(corpus.port, request({ ...whole, body: rest.body ?? body }, corpus.values)),
      rest,
    );
  });

  test("that is right among several others is taken, once", async () => {
    const own = '{"note":"several"}';
    const send = () => {
      const headers = signed(
        corpus,
        { id: "several", with: ["stranger", "partner", "revoked"] },
        Buffer.from(own),
      );
      const whole = { path: "/v1/topics/notes/events", method: "POST", body: own };
      return sendRaw(corpus.port, request({ ...whole, headers: { authorization: null, ...headers } }, {}));
    };
    good.notes!++;
    expect(JSON.parse((await send()).body)).toMatchObject({ id: "several", duplicate: false });
    expect(JSON.parse((await send()).body)).toMatchObject({ id: "several", duplicate: true });
  });

  test("none of the others was recorded", async () => expect(await recorded()).toEqual(good));
});

describe("the protocol of consumers", () => {
  test.each(casesOf<ProtocolCase>("protocol"))(
    "%s",
    async (_name, { as = "city", consumer, text, ...rest }) => {
      const { path = "/v1/topics/notes/settle", method = "POST", body, results } = rest;
      const headers: Record<string, string> = { authorization: `Bearer ${corpus.values[as]}` };
      if (consumer !== undefined) headers["hms-sync-consumer"] = consumer;
      const content = text ?? (body === undefined ? undefined : JSON.stringify(body));
      const answer = await sendRaw(
        corpus.port,
        request({ path, method, headers, body: content }, corpus.values),
      );
      if (results === undefined) return expectProblem(answer, rest as Expected);
      const settled = JSON.parse(answer.body).settled as { result: string }[];
      expect([answer.status, settled.map(({ result }) => result)]).toEqual([200, results]);
    },
  );

  test("nothing of it settled or lost a delivery", async () => {
    const { body } = await corpus.bus.call("GET", "/v1/status");
    const { open, acked, dead, owed } = body.topics.notes.consumers["city-health"];
    expect({ acked, dead, owed, open }).toEqual({
      acked: 0,
      dead: 0,
      owed: good.notes,
      open: expect.any(Number),
    });
    expect(body.topics.strict.consumers.stranger).toMatchObject({ acked: 0, dead: 0, owed: 1 });
    const settle = { settle: [{ token: corpus.values.own, action: "ack" }] };
    const own = await corpus.bus.call("POST", "/v1/topics/notes/settle", settle, "city-health");
    expect(own.body.settled).toEqual([{ token: corpus.values.own, result: "ok" }]);
  });
});

describe("Laravel's entries of the intake stream", () => {
  const cases = casesOf<StreamCase>("laravel-stream");
  const entry = (id: string): Record<string, Bytes | null> => ({
    ...{ id, channels: '["notes"]', event: "Done", data: `{"note":"${marker}"}` },
    ...{ time: "2024-04-23T15:02:11Z", source: "hms-api", timezone: "UTC" },
  });
  const add = async (name: string, fields: Record<string, Bytes | null>) => {
    const given = Object.entries({ case: name, ...fields }).filter(([, value]) => value !== null);
    const flat = given.flatMap(([field, value]) => [field, bytesOf(value!)]);
    await corpus.redis.xadd("hms-sync:intake", "*", ...(flat as [string, Buffer]));
  };
  let rejects: KeptReject[];

  beforeAll(async () => {
    await add("good", { ...entry("good-stream"), data: '{"note":"before"}' });
    for (const [name, { fields }] of cases) await add(name, { ...entry(`id of ${name}`), ...fields });
    await add("good", { ...entry("good-stream-2"), data: '{"note":"after"}' });
    good.notes! += 2;
    await eventually(async () => expect((await recorded()).notes).toBe(good.notes), { timeoutMs: 30_000 });
    await eventually(async () => expect(await corpus.redis.xlen("hms-sync:intake")).toBe(0));
    rejects = (await rejectsOf(corpus.redis, 1_000)).reverse();
  }, 60_000);

  test.each(cases)("%s", (name, { codes }) => {
    const head = Buffer.from(`case: ${name}\n`);
    const own = rejects.filter(({ original }) => original.subarray(0, head.length).equals(head));
    expect(own.map(({ code }) => code)).toEqual(codes);
  });
});

describe("Laravel's messages of pub/sub", () => {
  test.each(casesOf<PubSubCase>("laravel-pubsub"))(
    "%s",
    async (_name, { channel = "notes", message, code }) => {
      const before = await corpus.redis.xlen("hms-sync:rejects");
      const bytes = bytesOf(message);
      const heard = await corpus.redis.publish(
        Buffer.concat([Buffer.from(laravelPrefix), bytesOf(channel)]) as never,
        bytes,
      );
      expect(heard).toBe(1);
      await eventually(async () => expect(await corpus.redis.xlen("hms-sync:rejects")).toBe(before + 1));
      const reject = (await rejectsOf(corpus.redis, 1))[0]!;
      expect(reject.code).toBe(code);
      expect(reject.original.equals(bytes)).toBe(true);
    },
  );
});

describe("a changed topics.yaml", () => {
  test.each(casesOf<{ text: Bytes; says: string }>("topics"))("%s", async (_name, { text, says }) => {
    const at = (await corpus.bus.call("GET", "/v1/status")).body.registry.refused?.at;
    await writeFile(join(corpus.folder.path, "topics.yaml"), bytesOf(text, { good: goodTopics }));
    const refused = await eventually(async () => {
      const now = (await corpus.bus.call("GET", "/v1/status")).body.registry.refused;
      return now !== undefined && now.at !== at && now;
    });
    expect(refused.problems.join("\n")).toContain(says);
  });

  test("is taken up again once it is right", async () => {
    await writeFile(join(corpus.folder.path, "topics.yaml"), goodTopics);
    await eventually(async () => {
      const { state, problems } = (await corpus.bus.call("GET", "/v1/status")).body;
      expect({ state, problems }).toEqual({ state: "ok", problems: [] });
    });
  });
});

describe("the bus after all of it", () => {
  test("delivers a good event to each consumer", async () => {
    expect(await post(corpus.bus, "strict", "last")).toBe(202);
    for (const consumer of ["city-health", "stranger"]) {
      const tokens = await pull(corpus.bus, "strict", consumer);
      const settle = tokens.map((token) => ({ token, action: "ack" }));
      const answer = await corpus.bus.call("POST", "/v1/topics/strict/settle", { settle }, consumer);
      expect(answer.body.settled.map(({ result }: { result: string }) => result)).toContain("ok");
    }
  });

  test("shows the newest rejects, the large ones too", async () => {
    const { status, body } = await corpus.bus.call("GET", "/v1/rejects?limit=1000");
    expect(status).toBe(200);
    expect(body.rejects.length).toBeGreaterThan(60);
  });

  test("has failed to answer nothing, and said so of nothing", () => {
    const output = corpus.bus.process.output();
    expect(output).not.toMatch(/request failed|internal_error|intake failed|TypeError|RangeError/);
  });

  test("has no byte of a payload in its log", () => {
    const output = corpus.bus.process.output();
    expect(output.length).toBeGreaterThan(1_000);
    expect(output).not.toContain(marker);
  });

  test("holds no more memory than a bus does", () => {
    const { now, highest } = residentMiB(corpus.bus.process.pid);
    expect(now).toBeLessThan(400);
    expect(highest).toBeLessThan(700);
  });
});
