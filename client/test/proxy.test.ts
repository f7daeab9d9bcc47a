import { describe, expect, test } from "vitest";
import { isExcepted, proxyFor } from "../src/proxy.js";

describe("NO_PROXY is read as curl reads it", () => {
  test.each([
    ["bus.example.org", "example.org", true],
    ["bus.example.org", ".example.org", true],
    ["example.org", ".example.org", true],
    ["bus.example.org", "bus.example.org.", true],
    ["BUS.example.org", "bus.EXAMPLE.org", true],
    ["badexample.org", "example.org", false],
    ["bus.example.org.evil", "example.org", false],
    ["bus.example.org", "*.example.org", false],
    ["bus.example.org", "*", true],
    ["bus.example.org", "a.test, example.org", true],
    ["bus.example.org", "a.test example.org", true],
    ["bus.example.org", "", false],
    ["bus.example.org", " , ", false],
    ["10.1.2.3", "10.1.2.3", true],
    ["10.1.2.3", "10.0.0.0/8", true],
    ["11.1.2.3", "10.0.0.0/8", false],
    ["10.1.2.3", "2.3", false],
    ["10.1.2.3", "10.0.0.0/99", false],
    ["10.1.2.3", "10.0.0.0/x", false],
    ["2001:db8::7", "2001:db8::/32", true],
    ["2001:db8::7", "[2001:0db8:0:0::7]", true],
    ["2001:db9::7", "2001:db8::/32", false],
    ["10.1.2.3", "2001:db8::/32", false],
  ])("%s in %j: %s", (host, list, expected) => {
    expect(isExcepted(host, list)).toBe(expected);
  });
});

describe("proxyFor", () => {
  const target = new URL("https://bus.example.org");

  test.each([
    ["the lower-case name counts first", { https_proxy: "http://a:1", HTTPS_PROXY: "http://b:2" }, "a:1"],
    [
      "an address without a scheme is http",
      { HTTPS_PROXY: "proxy.example.org:3128" },
      "proxy.example.org:3128",
    ],
    ["an empty one is none", { https_proxy: "", HTTPS_PROXY: "" }, undefined],
    ["HTTP_PROXY is for others", { HTTP_PROXY: "http://a:1", http_proxy: "http://a:1" }, undefined],
    ["NO_PROXY excepts the bus", { HTTPS_PROXY: "http://a:1", NO_PROXY: "example.org" }, undefined],
    ["NO_PROXY excepts others", { HTTPS_PROXY: "http://a:1", no_proxy: "example.com" }, "a:1"],
  ])("%s", (_what, env: Record<string, string>, host) => {
    expect(proxyFor(target, undefined, env)?.url.host).toBe(host);
  });

  test.each([
    "https://localhost:8480",
    "https://127.0.0.2",
    "https://[::1]:8480",
    "https://bus.localhost",
    "http://bus.example.org",
  ])("%s is reached without the environment's proxy", (url) => {
    expect(proxyFor(new URL(url), undefined, { HTTPS_PROXY: "http://a:1" })).toBeUndefined();
  });

  test("credentials are kept apart from the address", () => {
    const proxy = proxyFor(target, "http://u:100%@a:1")!;
    expect(proxy.url.href).toBe("http://a:1/");
    expect(proxy.authorization).toBe(`Basic ${Buffer.from("u:100%").toString("base64")}`);
  });
});
