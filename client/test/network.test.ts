import { inspect } from "node:util";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { eventually } from "../../test/support/eventually.js";
import { freePort } from "../../test/support/port.js";
import type { ConnectOptions } from "../src/index.js";
import { type Certificates, makeCertificates } from "./support/certificates.js";
import { fixture, next } from "./support/fixture.js";
import { ConnectProxy, TlsFront } from "./support/network.js";
import { deliver } from "./support/scripted-bus.js";

const at = fixture();
let certificates: Certificates;
let front: TlsFront;
let proxy: ConnectProxy;
const closing: { close(): Promise<void> }[] = [];

beforeAll(() => {
  certificates = makeCertificates();
});
beforeEach(async () => {
  front = await new TlsFront(certificates, () => Number(new URL(at.server.url).port)).start();
  proxy = await new ConnectProxy().start();
  closing.push(front, proxy);
  for (const name of ["https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "HMS_SYNC_CA"])
    vi.stubEnv(name, undefined);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(closing.splice(0).map((server) => server.close()));
});

const proxyUrl = (credentials = "") => `http://${credentials}127.0.0.1:${proxy.port}`;
/** A bus whose name only the proxy knows. */
const behind = (): ConnectOptions => ({ url: `https://bus.test:${front.port}`, ca: certificates.ca });
const direct = (): ConnectOptions => ({ url: `https://localhost:${front.port}` });

describe("private CA", () => {
  test("a bus with a certificate of a private authority is reached when it is given, as text, bytes or a list", async () => {
    for (const ca of [certificates.ca, Buffer.from(certificates.ca), ["# ours\n", certificates.ca]])
      expect((await at.connect({ ...direct(), ca })).system).toBe("city-health");
  });

  test("HMS_SYNC_CA names the file", async () => {
    vi.stubEnv("HMS_SYNC_CA", certificates.caFile);
    expect((await at.connect(direct())).system).toBe("city-health");
  });

  test("without it connect fails at once and says what to set", async () => {
    await expect(at.connect(direct())).rejects.toMatchObject({
      code: "untrusted_certificate",
      detail: expect.stringMatching(/localhost.*UNABLE_TO_VERIFY_LEAF_SIGNATURE.*HMS_SYNC_CA/),
    });
  });

  test("an authority of the agency's does not make others trusted", async () => {
    const { ca } = makeCertificates();
    await expect(at.connect({ ...direct(), ca })).rejects.toMatchObject({ code: "untrusted_certificate" });
  });

  test("a certificate for another name is not taken", async () => {
    const options = { ...behind(), url: `https://other.test:${front.port}`, proxy: proxyUrl() };
    await expect(at.connect(options)).rejects.toMatchObject({
      code: "untrusted_certificate",
      detail: expect.stringContaining("ERR_TLS_CERT_ALTNAME_INVALID"),
    });
  });

  test.each(["nonsense", "-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----"])(
    "what is no certificate is refused: %j",
    async (ca) => {
      await expect(at.connect({ ...direct(), ca })).rejects.toMatchObject({ code: "invalid_option" });
    },
  );

  test("a file that is not there is named", async () => {
    vi.stubEnv("HMS_SYNC_CA", "/nowhere/ca.pem");
    await expect(at.connect(direct())).rejects.toMatchObject({
      code: "invalid_option",
      detail: expect.stringMatching(/HMS_SYNC_CA is "\/nowhere\/ca\.pem".*ENOENT/),
    });
  });
});

describe("proxy", () => {
  test("events come and acks go through the proxy that HTTPS_PROXY names", async () => {
    vi.stubEnv("HTTPS_PROXY", proxyUrl());
    at.server.on("pull", deliver("r1.1", 1));
    const bus = await at.connect(behind());
    const message = await next(bus.subscribe("t"));
    await message.ack();
    expect(at.server.settles()).toContain("ack r1.1.0");
    expect(new Set(proxy.asked.map(({ target }) => target))).toEqual(new Set([`bus.test:${front.port}`]));
  });

  test("connections through the proxy are kept", async () => {
    const bus = await at.connect({ ...behind(), proxy: proxyUrl() });
    at.server.on("publish", ...Array(5).fill(stored));
    for (let i = 0; i < 5; i++) await bus.publish("t", {});
    expect(proxy.asked).toHaveLength(1);
  });

  test("a bus on this machine is reached without the proxy of the environment, and so is one at http://", async () => {
    vi.stubEnv("https_proxy", proxyUrl());
    await at.connect({ ...direct(), ca: certificates.ca });
    await at.connect();
    expect(proxy.asked).toEqual([]);
  });

  test("a proxy that is given is used for http:// as well; false means none", async () => {
    await at.connect({ proxy: new URL(proxyUrl()) });
    expect(proxy.asked).toHaveLength(1);
    vi.stubEnv("HTTPS_PROXY", proxyUrl());
    const options = { ...behind(), proxy: false, signal: AbortSignal.timeout(100) } as const;
    await expect(at.connect(options)).rejects.toMatchObject({ name: "TimeoutError" }); // bus.test is nowhere
    expect(proxy.asked).toHaveLength(1);
  });

  test("the proxy itself may speak TLS", async () => {
    const secure = await new ConnectProxy(certificates).start();
    closing.push(secure);
    await at.connect({ ...behind(), proxy: `https://localhost:${secure.port}` });
    expect(secure.asked).toHaveLength(1);
  });

  test("user and password go to the proxy, percent-decoded, and nowhere else", async () => {
    await at.connect({ ...behind(), proxy: proxyUrl("agency:p%40ss:w%C3%B6rd@") });
    const [{ authorization } = { authorization: "" }] = proxy.asked;
    expect(Buffer.from(authorization!.replace("Basic ", ""), "base64").toString()).toBe("agency:p@ss:wörd");
    expect(at.server.of("whoami")[0]!.headers["proxy-authorization"]).toBeUndefined();
  });

  test.each([
    [407, "Proxy Authentication Required", /HTTPS_PROXY=http:\/\/user:password@host:port/],
    [403, "Forbidden", /NO_PROXY/],
  ])("a proxy that refuses with %i is named, without its password", async (status, text, remedy) => {
    proxy.refusals.push({ status, text });
    const error = await at.connect({ ...behind(), proxy: proxyUrl("agency:hush-hush@") }).catch((e) => e);
    expect(error).toMatchObject({ code: "proxy_refused", status, retryable: false });
    expect(error.detail).toContain(`http://127.0.0.1:${proxy.port} `);
    expect(error.detail).toContain(`bus.test:${front.port} (${status} ${text})`);
    expect(error.detail).toMatch(remedy);
    const everything = inspect(error, { depth: 20, showHidden: true }) + at.lines.join();
    expect(everything).not.toMatch(/hush-hush|YWdlbmN5/);
  });

  test("a proxy that has no way to the bus right now is tried again", async () => {
    proxy.refusals.push({ status: 502, text: "Bad Gateway" }, { status: 503, text: "Unavailable" });
    expect((await at.connect({ ...behind(), proxy: proxyUrl() })).system).toBe("city-health");
    expect(at.lines.filter((line) => /does not connect to bus\.test/.test(line))).toHaveLength(1);
  });

  test("a proxy that is away is waited for and named, without its password", async () => {
    const port = await freePort();
    const connecting = at.connect({ ...behind(), proxy: `http://agency:hush-hush@127.0.0.1:${port}` });
    await eventually(() => at.lines.length > 0);
    expect(at.lines[0]).toContain(`no answer from the proxy http://127.0.0.1:${port} (ECONNREFUSED)`);
    closing.push(await new ConnectProxy().start(port));
    expect((await connecting).system).toBe("city-health");
    expect(at.lines.join()).not.toContain("hush-hush");
  });

  test("a proxy that says nothing holds nobody up", async () => {
    proxy.refusals.push("silent");
    const signal = AbortSignal.timeout(200);
    const connecting = at.connect({ ...behind(), proxy: proxyUrl(), signal });
    await expect(connecting).rejects.toMatchObject({ name: "TimeoutError" });
    expect(proxy.asked).toHaveLength(1);
  });

  test.each([
    ["socks5://agency:hush-hush@proxy:1080", "…@proxy:1080"],
    ["http://agency:hush-hush@:3128:1", "…@:3128:1"],
  ])("what is no HTTP proxy is refused, without its password", async (address, shown) => {
    vi.stubEnv("HTTPS_PROXY", address);
    const error = await at.connect(behind()).catch((e) => e);
    expect(error).toMatchObject({ code: "invalid_option", detail: expect.stringContaining(shown) });
    expect(inspect(error)).not.toContain("hush-hush");
  });
});

function stored(_request: unknown, response: import("node:http").ServerResponse): void {
  const answer = { id: "a", topic: "t", version: 1, duplicate: false };
  response.writeHead(202, { "content-type": "application/json" }).end(JSON.stringify(answer));
}
