import { describe, expect, test } from "vitest";
import { HmsSyncError } from "../../../src/errors.js";
import { type Call, cliRun } from "./fake-cli.js";

const publishedAs = (call: Call) => ({
  id: call.headers?.["idempotency-key"],
  topic: "t",
  version: 3,
  duplicate: false,
});
const lost = () => new HmsSyncError("connection_lost", "broke", { status: 503, retryable: true });
const unreachable = () => new HmsSyncError("bus_unreachable", "nobody", { status: 503, retryable: true });

describe("publish", () => {
  test("sends the payload as it was typed, with a new id each time", async () => {
    const text = '{"n": 12345678901234567890, "e":{} }';
    const first = await cliRun(["publish", "a/b", text], publishedAs);
    const second = await cliRun(["publish", "a/b", text], publishedAs);
    expect(first.calls[0]).toMatchObject({ path: "/v1/topics/a%2Fb/events", method: "POST", body: text });
    const id = first.calls[0]!.headers!["idempotency-key"];
    expect(first.stdout).toBe(`${id} published to t (version 3)\n`);
    expect(second.calls[0]!.headers!["idempotency-key"]).not.toBe(id);
  });

  test("takes id, type and a payload from standard input, byte for byte", async () => {
    const bytes = Buffer.from([0x7b, 0xff, 0x7d, 0x0a]);
    const argv = [
      "publish",
      "t",
      "-",
      "--id",
      "k1",
      "--type",
      "App\\Events\\X",
      "--schema-version",
      "2",
      "--json",
    ];
    const run = await cliRun(argv, publishedAs, { stdin: async () => bytes });
    expect(run.calls[0]).toMatchObject({
      body: bytes,
      headers: { "idempotency-key": "k1", "hms-sync-type": "App\\Events\\X", "hms-sync-version": "2" },
    });
    expect(JSON.parse(run.stdout)).toEqual({ id: "k1", topic: "t", version: 3, duplicate: false });
  });

  test("says so when the bus has the event already", async () => {
    const run = await cliRun(["publish", "t", "{}", "--id", "k1"], (call) => ({
      ...publishedAs(call),
      duplicate: true,
    }));
    expect(run.stdout).toBe("k1 is on t already (duplicate); nothing was added\n");
  });

  test("sends again with the same id when the connection broke, even if the bus is away for a moment", async () => {
    const failures = [lost(), unreachable()];
    const run = await cliRun(["publish", "t", "{}"], (call) => {
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      return publishedAs(call);
    });
    expect(run.code).toBe(0);
    expect(run.calls).toHaveLength(3);
    expect(new Set(run.calls.map(({ headers }) => headers!["idempotency-key"])).size).toBe(1);
  });

  test("tells the id to repeat with when it is not known whether the event was stored", async () => {
    const failures = [lost(), new HmsSyncError("unauthorized", "no", { status: 401 })];
    const run = await cliRun(["publish", "t", "{}"], () => {
      throw failures.shift();
    });
    const id = run.calls[0]!.headers!["idempotency-key"];
    expect(run.code).toBe(1);
    expect(run.stderr).toContain(`to repeat it safely add --id=${id}`);
  });

  test.each([
    ["nobody is there", unreachable()],
    ["it is refused", new HmsSyncError("unknown_topic", "no", { status: 404 })],
  ])("is not repeated when %s", async (_why, error) => {
    const run = await cliRun(["publish", "t", "{}"], () => {
      throw error;
    });
    expect(run.calls).toHaveLength(1);
    expect(run.stderr).not.toContain("--id");
  });
});

describe("keys", () => {
  const key = { system: "city-health", id: "i-1", token: "hms_x" };

  test("create --json prints exactly system, id and token", async () => {
    const run = await cliRun(["keys", "create", "city-health", "--json"], () => key);
    expect(run).toMatchObject({ code: 0, stdout: `${JSON.stringify(key)}\n`, stderr: "" });
    expect(run.calls[0]).toMatchObject({
      path: "/v1/keys",
      method: "POST",
      body: '{"system":"city-health"}',
    });
  });

  test.each<[string[], object]>([
    [[], { system: "city-health", kind: "webhook" }],
    [["--secret", "whsec_a"], { system: "city-health", kind: "webhook", secret: "whsec_a" }],
    [["--secret", "-"], { system: "city-health", kind: "webhook", secret: "whsec_b" }],
  ])("create --webhook %j asks for a secret, and prints it", async (options, body) => {
    const made = { system: "city-health", id: "i-2", kind: "webhook", secret: "whsec_x" };
    const argv = ["keys", "create", "city-health", "--webhook", ...options];
    const stdin = async () => Buffer.from("whsec_b\n");
    const run = await cliRun([...argv, "--json"], () => made, { stdin });
    expect(run.stdout).toBe('{"system":"city-health","id":"i-2","secret":"whsec_x"}\n');
    expect(JSON.parse(run.calls[0]!.body as string)).toEqual(body);
    const plain = await cliRun(argv, () => made, { stdin });
    expect(plain.stdout).toContain("whsec_x");
    expect(plain.stderr).toContain("not shown again");
  });

  test("a secret without --webhook is a mistake, told without the secret", async () => {
    const run = await cliRun(["keys", "create", "city-health", "--secret", "whsec_hidden"]);
    expect(run).toMatchObject({ code: 2, calls: [] });
    expect(run.stderr).toContain("--webhook");
    expect(run.stderr).not.toContain("whsec_hidden");
  });

  test("list shows a table, or how to make the first one", async () => {
    const keys = [{ id: "i-1", system: "city-health", kind: "webhook", created: "2026-01-01T00:00:00.000Z" }];
    const some = await cliRun(["keys", "ls"], () => ({ keys }));
    expect(some.stdout).toBe(
      "ID   SYSTEM       KIND     CREATED\ni-1  city-health  webhook  2026-01-01T00:00:00.000Z\n",
    );
    const none = await cliRun(["keys", "list"], () => ({ keys: [] }));
    expect(none.stdout).toContain("hms-sync keys create NAME");
  });

  test("revoke names one key and cannot be led to another route", async () => {
    const run = await cliRun(["keys", "revoke", "../x"]);
    expect(run.calls[0]).toMatchObject({ path: "/v1/keys/..%2Fx", method: "DELETE" });
    expect(run.stdout).toBe("../x is revoked\n");
  });
});

describe("rejects", () => {
  const reject = {
    id: "1-0",
    at: "2026-01-01T00:00:00.000Z",
    code: "malformed_json",
    reason: "no JSON",
    door: "pubsub",
    source: "hms-api",
    channel: "x\u001b[2J",
    original: "?",
    original_base64: Buffer.from([0x1b, 0x5b, 0x32, 0x4a, 0xff]).toString("base64"),
  };

  test("show reason, code, door and the original, with nothing that a terminal obeys", async () => {
    const run = await cliRun(["rejects", "--limit", "5"], () => ({ rejects: [reject] }));
    expect(run.calls[0]!.path).toBe("/v1/rejects?limit=5");
    expect(run.stdout).toBe(
      [
        "2026-01-01T00:00:00.000Z  malformed_json  (door pubsub, source hms-api, channel x\\x1b[2J)",
        "  reason    no JSON",
        "  original  \\x1b[2J\\xff",
        "",
      ].join("\n"),
    );
  });

  test("an empty original and no rejects at all are told in words", async () => {
    const empty = { ...reject, original_base64: "" };
    expect((await cliRun(["rejects"], () => ({ rejects: [empty] }))).stdout).toContain("original  (empty)");
    expect((await cliRun(["rejects"], () => ({ rejects: [] }))).stdout).toBe("no rejects\n");
  });
});

describe("dead", () => {
  const letter = {
    id: "5-0",
    topic: "t",
    consumer: "c",
    at: "2026-01-01T00:00:00.000Z",
    attempts: 20,
    reason: "gave up",
    envelope: '{"id":"e-1","payload":{"secret":1}}',
  };

  test("lists what was asked for, with the event's id and without its payload", async () => {
    const run = await cliRun(["dead", "--topic", "t", "--consumer", "c", "--limit", "7"], () => ({
      dead_letters: [letter],
    }));
    expect(run.calls[0]!.path).toBe("/v1/dead-letters?topic=t&consumer=c&limit=7");
    expect(run.stdout).toMatch(/^5-0 +t +c +2026\S+ +20 +e-1 +gave up$/m);
    expect(run.stdout).not.toContain("secret");
  });

  test("redrive with ids sends exactly them, and one that is none exits 1", async () => {
    const argv = ["dead", "redrive", "--topic", "t", "--consumer", "c", "5-0", "6-0"];
    const run = await cliRun(argv, () => ({ redriven: ["5-0"] }));
    expect(JSON.parse(String(run.calls[0]!.body))).toEqual({
      topic: "t",
      consumer: "c",
      ids: ["5-0", "6-0"],
    });
    expect(run.code).toBe(1);
    expect(run.stdout).toBe(
      "1 dead letter of c on t sent again\n6-0 is no dead letter of c on t; see: hms-sync dead\n",
    );
  });

  test("redrive --all goes on until none is left, and shows how far it is", async () => {
    const portions = [Array.from({ length: 10_000 }, (_, i) => `${i}-0`), ["10000-0"]];
    const argv = ["dead", "redrive", "--topic", "t", "--consumer", "c", "--all"];
    const run = await cliRun(argv, () => ({ redriven: portions.shift() }));
    expect(run).toMatchObject({ code: 0, stdout: "10001 dead letters of c on t sent again\n" });
    expect(run.stderr).toBe("10000 sent again so far\n");
    expect(run.calls.map(({ body }) => JSON.parse(String(body)).all)).toEqual([true, true]);
  });
});
