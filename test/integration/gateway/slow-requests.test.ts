import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { AccessKeys } from "../../../src/gateway/access-keys.js";
import { Gateway, type GatewayParts } from "../../../src/gateway/server.js";
import type { Posted } from "../../../src/gateway/types.js";
import { WebhookKeys } from "../../../src/gateway/webhook-keys.js";
import { eventually } from "../../support/eventually.js";
import { startRedis, type TestRedis } from "../../support/redis.js";

const token = "hms_development";
const topic = {
  name: "t",
  qos: "at_least_once",
  version: 1,
  schemas: new Map(),
  producers: [],
  consumers: [],
} as const;
let server: TestRedis;
let redis: Redis;
let gateway: Gateway;
let port: number;
let published: Posted[];
let errors: string[];

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
});
afterAll(async () => {
  redis.disconnect();
  await server.stop();
});
beforeEach(async () => {
  published = [];
  errors = [];
  await open({ headersMs: 300, requestMs: 600, checkMs: 20 });
});
afterEach(() => gateway.close());

async function open(timeouts: NonNullable<GatewayParts["timeouts"]>): Promise<void> {
  gateway = new Gateway(parts(timeouts));
  port = Number(new URL(await gateway.listen("127.0.0.1", 0)).port);
  gateway.markReady();
}

/** A real gateway that takes down what it would publish. */
function parts(timeouts: NonNullable<GatewayParts["timeouts"]>): GatewayParts {
  return {
    directory: { topics: new Map([["t", topic]]), systems: new Set(["admin"]), limitsOf: () => ({}) },
    publish: async (posted) => {
      published.push(posted);
      return { version: 1, duplicate: false };
    },
    checkRegistry: () => {},
    accessKeys: new AccessKeys(redis, [token], () => {}),
    webhookKeys: new WebhookKeys(redis, () => {}),
    bodyLimit: 1_000,
    rateLimit: 0,
    timeouts,
    available: () => true,
    log: {
      info() {},
      warn() {},
      error: (message, fields) => errors.push(`${message} ${JSON.stringify(fields)}`),
    },
    queue: () => undefined,
    probe: async () => undefined,
    events: undefined as never,
    operations: undefined as never,
    retirement: undefined as never,
  };
}

interface Conversation {
  readonly socket: Socket;
  /** All that came until the gateway closed the connection. */
  readonly answer: Promise<string>;
}

function talk(text: string): Conversation {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  let received = "";
  socket.on("data", (chunk) => {
    received += chunk.toString();
  });
  socket.on("error", () => {}); // a reset shows in what was received
  socket.write(text);
  const answer = new Promise<string>((resolve) => socket.on("close", () => resolve(received)));
  socket.on("end", () => socket.end());
  return { socket, answer };
}

const head = (...headers: string[]) =>
  ["POST /v1/topics/t/events HTTP/1.1", "Host: x", `Authorization: Bearer ${token}`, ...headers, "", ""].join(
    "\r\n",
  );

/** Status line, code and whether the connection was announced to end. */
function read(answer: string): [number, string, boolean] {
  const [top, body] = answer.split("\r\n\r\n") as [string, string];
  const status = Number(/^HTTP\/1\.1 (\d+)/.exec(top)?.[1]);
  expect(top.toLowerCase()).toContain("content-type: application/problem+json");
  const problem = JSON.parse(body);
  expect(problem).toMatchObject({ status, detail: expect.stringMatching(/.{10}/) });
  return [status, problem.code, /^connection: close$/im.test(top)];
}

/** Writes one byte more every 20 ms until the connection is closed. */
async function trickle({ socket, answer }: Conversation): Promise<void> {
  const timer = setInterval(() => socket.write("x"), 20);
  await answer;
  clearInterval(timer);
}

describe("a client that is too slow", () => {
  test("with its headers is told so (408)", async () => {
    const slow = talk("POST /v1/topics/t/events HTTP/1.1\r\nHost: x\r\nX-Slow: ");
    await trickle(slow);
    expect(read(await slow.answer)).toEqual([408, "request_timeout", true]);
  });

  test("with its body is told so (408), and nothing is recorded", async () => {
    const slow = talk(`${head("Content-Length: 900")}{"a":"`);
    await trickle(slow);
    expect(read(await slow.answer)).toEqual([408, "request_timeout", true]);
    expect(published).toEqual([]);
  });

  test("with chunks of its body is told so (408), and nothing is recorded", async () => {
    const slow = talk(head("Transfer-Encoding: chunked"));
    const timer = setInterval(() => slow.socket.write("1\r\nx\r\n"), 20);
    const answer = await slow.answer;
    clearInterval(timer);
    expect(read(answer)).toEqual([408, "request_timeout", true]);
    expect(published).toEqual([]);
  });

  test("and says nothing at all loses its connection", async () => {
    expect(read(await talk("").answer)).toEqual([408, "request_timeout", true]);
  });

  test("does not keep others from being answered", async () => {
    const slow = Array.from({ length: 50 }, () => talk(`${head("Content-Length: 900")}{`));
    const good = talk(`${head("Content-Length: 2", "Connection: close")}{}`);
    expect(await good.answer).toMatch(/^HTTP\/1\.1 202 /);
    for (const { answer } of slow) expect(read(await answer)[0]).toBe(408);
    expect(published).toHaveLength(1);
  });
});

describe("a request that is broken", () => {
  test("off in its body is answered 400 where the client still listens, and not recorded", async () => {
    const cut = talk(`${head("Content-Length: 900")}{"a":1}`);
    cut.socket.end();
    expect(read(await cut.answer)).toEqual([400, "truncated_body", true]);
    expect(published).toEqual([]);
  });

  test("off by a client that is gone is not recorded", async () => {
    const gone = talk(`${head("Content-Length: 900")}{"a":1}`);
    await once(gone.socket, "connect");
    gone.socket.resetAndDestroy();
    await eventually(() => new Promise<boolean>((resolve) => connections((count) => resolve(count === 0))));
    expect(published).toEqual([]);
  });

  test.each([
    ["no HTTP", "hello\r\n\r\n", 400, "malformed_http"],
    ["two lengths", head("Content-Length: 2", "Content-Length: 3"), 400, "malformed_http"],
    [
      "a length beside chunks",
      head("Content-Length: 2", "Transfer-Encoding: chunked"),
      400,
      "malformed_http",
    ],
    ["a chunk without a length", `${head("Transfer-Encoding: chunked")}zz\r\n{}\r\n`, 400, "malformed_http"],
    ["17 KiB of headers", head(`X-Long: ${"y".repeat(17 * 1024)}`), 431, "headers_too_large"],
  ])("by %s is answered as a problem", async (_name, text, status, code) => {
    const { answer } = talk(text);
    expect(read(await answer)).toEqual([status, code, true]);
    expect(published).toEqual([]);
  });
});

describe("a body that is refused unread", () => {
  // Patient: on a busy machine a large body takes its time to be sent.
  beforeEach(async () => {
    await gateway.close();
    await open({ headersMs: 10_000, requestMs: 30_000, checkMs: 20 });
  });

  const large = "y".repeat(400_000);
  const chunked = `${head("Transfer-Encoding: chunked")}${large.length.toString(16)}\r\n${large}\r\n`;
  test.each([
    ["too large by its length", `${head(`Content-Length: ${large.length}`)}${large}`, 413, "body_too_large"],
    ["too large in chunks", chunked, 413, "body_too_large"],
    [
      "of another type",
      `${head(`Content-Length: ${large.length}`, "Content-Type: text/csv")}${large}`,
      415,
      "unsupported_media_type",
    ],
    [
      "compressed",
      `${head(`Content-Length: ${large.length}`, "Content-Encoding: gzip")}${large}`,
      415,
      "unsupported_encoding",
    ],
    [
      "of nobody",
      `${head(`Content-Length: ${large.length}`)}${large}`.replace("Bearer hms", "Bearer no"),
      401,
      "unauthorized",
    ],
  ])("%s ends the connection after the answer", async (_name, text, status, code) => {
    const { answer } = talk(text);
    expect(read(await answer)).toEqual([status, code, true]);
    expect(published).toEqual([]);
  });

  test("by a client that reads nothing before it has sent all of it is answered still", async () => {
    const length = 8_000_000;
    const { socket, answer } = talk(head(`Content-Length: ${length}`));
    socket.pause();
    const sent = new Promise<unknown>((resolve) => socket.write("y".repeat(length), resolve));
    expect(await sent).toBeFalsy(); // no error
    socket.resume();
    expect(read(await answer)).toEqual([413, "body_too_large", true]);
  });

  test("and goes on for ever is not listened to for ever", async () => {
    const endless = talk(head("Transfer-Encoding: chunked"));
    const chunk = `1000\r\n${"y".repeat(0x1000)}\r\n`;
    const timer = setInterval(() => endless.socket.write(chunk), 1);
    const answer = await endless.answer;
    clearInterval(timer);
    expect(read(answer)).toEqual([413, "body_too_large", true]);
  });
});

test("a refused body that had come in whole leaves the connection open for the next request", async () => {
  const first = `${head("Content-Length: 2", "Content-Type: text/csv")}{}`;
  const second = `${head("Content-Length: 2", "Connection: close")}{}`;
  const { answer } = talk(first + second);
  expect((await answer).match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 415", "HTTP/1.1 202"]);
});

test("none of it is a fault of the gateway", async () => {
  talk(`${head("Content-Length: 900")}{"a":1}`).socket.end();
  const last = talk(`${head("Content-Length: 2", "Connection: close")}{}`);
  expect(await last.answer).toMatch(/^HTTP\/1\.1 202 /);
  expect(errors).toEqual([]);
});

function connections(tell: (count: number) => void): void {
  const { server: http } = gateway as unknown as { server: import("node:net").Server };
  http.getConnections((_error, count) => tell(count));
}
