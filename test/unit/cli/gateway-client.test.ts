import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { GatewayClient } from "../../../src/cli/gateway-client.js";
import { freePort } from "../../support/port.js";

let server: Server | undefined;

afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((closed) => (server === undefined ? closed(undefined) : server.close(closed)));
  server = undefined;
});

async function clientOf(listener: RequestListener): Promise<GatewayClient> {
  server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return new GatewayClient(() => ({ url: `http://127.0.0.1:${port}`, token: "hms_secret" }));
}

describe("a call of the gateway", () => {
  test("carries the token, the headers and the body as they are", async () => {
    const seen: unknown[] = [];
    const client = await clientOf(async (request, response) => {
      const { authorization, "content-type": type, "idempotency-key": key } = request.headers;
      seen.push(request.method, request.url, authorization, type, key);
      for await (const chunk of request) seen.push(Buffer.from(chunk).toString("hex"));
      response.end('{"a":1}');
    });
    const body = Buffer.from([0x7b, 0xff, 0x7d]);
    const request = { method: "POST", body, headers: { "idempotency-key": "k" } } as const;
    expect(await client.json("/v1/x?y=1", request)).toEqual({ a: 1 });
    expect(seen).toEqual(["POST", "/v1/x?y=1", "Bearer hms_secret", "application/json", "k", "7bff7d"]);
  });

  test("answered with a problem throws it with its code, detail and all it tells besides", async () => {
    const problem = {
      status: 422,
      code: "schema_violation",
      detail: "does not fit",
      errors: [{ path: "/a" }],
    };
    const client = await clientOf((_request, response) => {
      response.writeHead(422, { "content-type": "application/problem+json" }).end(JSON.stringify(problem));
    });
    await expect(client.json("/v1/x")).rejects.toMatchObject({
      code: "schema_violation",
      message: "does not fit",
      status: 422,
      retryable: false,
      details: { errors: [{ path: "/a" }] },
    });
  });

  test.each([429, 502, 503, 504])("answered with %d may be repeated", async (status) => {
    const client = await clientOf((_request, response) => response.writeHead(status).end("busy"));
    await expect(client.json("/v1/x")).rejects.toMatchObject({ retryable: true });
  });

  test.each([
    [200, "text/html"],
    [404, "text/html"],
  ])("answered with %d %s says that this is no gateway", async (status, type) => {
    const client = await clientOf((_request, response) => {
      response.writeHead(status, { "content-type": type }).end("<html>");
    });
    await expect(client.json("/v1/x")).rejects.toMatchObject({
      code: "unexpected_answer",
      message: expect.stringMatching(new RegExp(`answered ${status} \\(text/html\\).*HMS_SYNC_URL`)),
    });
  });

  test("follows no redirect: the token stays where it is meant to go", async () => {
    let requests = 0;
    const client = await clientOf((_request, response) => {
      requests++;
      response.writeHead(302, { location: "/elsewhere" }).end();
    });
    await expect(client.json("/v1/x")).rejects.toMatchObject({ code: "unexpected_answer" });
    expect(requests).toBe(1);
  });

  test("where nobody listens names the URL and npm start", async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const client = new GatewayClient(() => ({ url, token: "t" }));
    await expect(client.json("/v1/x")).rejects.toMatchObject({
      code: "bus_unreachable",
      message: `no bus answers at ${url} (ECONNREFUSED); start it with npm start, or set HMS_SYNC_URL to where it is`,
    });
  });

  test("that breaks is told from one that nobody took", async () => {
    const client = await clientOf((request) => request.socket.destroy());
    await expect(client.json("/v1/x")).rejects.toMatchObject({ code: "connection_lost", retryable: true });
  });

  test("without an answer ends at its time limit", async () => {
    const client = await clientOf(() => {});
    await expect(client.json("/v1/x", { timeoutMs: 50 })).rejects.toMatchObject({
      code: "bus_timeout",
      message: expect.stringContaining("0.05 s"),
    });
  });

  test("no error carries the token", async () => {
    const client = await clientOf((request) => request.socket.destroy());
    const error = await client.json("/v1/x").catch((reason: Error) => reason);
    expect(JSON.stringify(error) + String(error)).not.toContain("hms_secret");
  });
});

describe("a stream", () => {
  test("gives the bytes as they come and tells a broken end from a clean one", async () => {
    const client = await clientOf((request, response) => {
      response.write("a\n");
      if (request.url === "/clean") response.end("b\n");
      else setImmediate(() => response.destroy());
    });
    const read = async (path: string, into: string[]) => {
      const { chunks } = await client.stream(path, new AbortController().signal);
      for await (const chunk of chunks) into.push(Buffer.from(chunk).toString());
    };
    const clean: string[] = [];
    await read("/clean", clean);
    expect(clean.join("")).toBe("a\nb\n");
    await expect(read("/broken", [])).rejects.toMatchObject({ code: "connection_lost", retryable: true });
  });

  test("tells how far the gateway's clock is ahead", async () => {
    const client = await clientOf((_request, response) => {
      response.setHeader("date", new Date(Date.now() + 3_600_000).toUTCString()).end();
    });
    const { clockOffsetMs } = await client.stream("/", new AbortController().signal);
    expect(Math.abs(clockOffsetMs - 3_600_000)).toBeLessThan(2_000);
  });

  test("ends when its reader has enough: no connection stays behind", async () => {
    let closed: Promise<unknown> | undefined;
    const client = await clientOf((_request, response) => {
      closed = once(response, "close");
      response.write("a\n");
    });
    const { chunks } = await client.stream("/", new AbortController().signal);
    for await (const _chunk of chunks) break;
    await closed;
  });
});
