import { Webhook } from "standardwebhooks";
import { describe, expect, test } from "vitest";
import { HmsSyncError } from "../../../src/errors.js";
import { isSigned, matchingSystem, readSignature } from "../../../src/gateway/webhook-signature.js";

const now = 1_700_000_000;
const id = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W";
const secretOf = (n: number) => `whsec_${Buffer.alloc(32, n).toString("base64")}`;
const secrets = [1, 2, 3].map((n) => ({ system: `system-${n}`, key: Buffer.alloc(32, n) }));
const body = '{"note":"grüße"}';

/** What the `standardwebhooks` library signs. */
function signedBy(n: number, text = body, timestamp = now): string {
  return new Webhook(secretOf(n)).sign(id, new Date(timestamp * 1_000), text);
}

const headers = (signature: string, changes: Record<string, string | undefined> = {}) => ({
  "webhook-id": id,
  "webhook-timestamp": String(now),
  "webhook-signature": signature,
  ...changes,
});

function systemOf(given: Record<string, string | undefined>, bytes: Buffer = Buffer.from(body)) {
  return matchingSystem(readSignature(given, now * 1_000), bytes, secrets);
}

function codeOf(given: Record<string, string | undefined>): string {
  try {
    return `accepted as ${systemOf(given)}`;
  } catch (error) {
    expect(error).toBeInstanceOf(HmsSyncError);
    expect((error as HmsSyncError).status).toBe(401);
    return (error as HmsSyncError).code;
  }
}

describe("a signature of the standardwebhooks library", () => {
  test("names the system whose secret made it", () => {
    expect([1, 2, 3].map((n) => systemOf(headers(signedBy(n))))).toEqual([
      "system-1",
      "system-2",
      "system-3",
    ]);
    expect(systemOf(headers(signedBy(4)))).toBeUndefined();
  });

  test("may stand among others while a secret rotates, wherever it stands", () => {
    const others = `v1,${Buffer.alloc(32).toString("base64")} v1a,AAAA v2,BBBB`;
    expect(systemOf(headers(`${others} ${signedBy(2)}`))).toBe("system-2");
    expect(systemOf(headers(`${signedBy(2)} ${others}`))).toBe("system-2");
    expect(systemOf(headers(`${signedBy(9)} ${signedBy(3)}`))).toBe("system-3");
  });

  test("does not fit other bytes, another id or another time", () => {
    const signature = signedBy(1);
    expect(systemOf(headers(signature), Buffer.from(`${body} `))).toBeUndefined();
    expect(
      systemOf(headers(signature), Buffer.from(JSON.stringify(JSON.parse(body), null, 1))),
    ).toBeUndefined();
    expect(systemOf(headers(signature, { "webhook-id": `${id}x` }))).toBeUndefined();
    expect(systemOf(headers(signature, { "webhook-timestamp": String(now + 1) }))).toBeUndefined();
    expect(systemOf(headers(signature, { "webhook-timestamp": `0${now}` }))).toBeUndefined();
  });
});

test("the example of the other languages' libraries is understood", () => {
  const given = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  };
  const secret = { system: "x", key: Buffer.from("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "base64") };
  const signature = readSignature(given, 1_614_265_330_000);
  expect(matchingSystem(signature, Buffer.from('{"test": 2432232314}'), [secret])).toBe("x");
});

test("bytes that are not UTF-8 are signed as they are: two such bodies do not stand for each other", () => {
  const replaced = signedBy(1, "\ufffd");
  expect(systemOf(headers(replaced), Buffer.from("\ufffd"))).toBe("system-1");
  expect(systemOf(headers(replaced), Buffer.from([0xff]))).toBeUndefined();
});

test.each([0, 1, 16, 31, 33, 64, 512])(
  "a signature of %i bytes fits nothing and breaks nothing",
  (length) => {
    const signature = Buffer.alloc(length, 7).toString("base64");
    expect(codeOf(headers(`v1,${signature}`))).toBe(
      length === 0 ? "signature_malformed" : "accepted as undefined",
    );
  },
);

test.each([
  ["no id", { "webhook-id": undefined }, "signature_incomplete"],
  ["no timestamp", { "webhook-timestamp": undefined }, "signature_incomplete"],
  ["no signature", { "webhook-signature": undefined }, "signature_incomplete"],
  ["an empty signature", { "webhook-signature": "" }, "signature_incomplete"],
  ["an id with a full stop", { "webhook-id": "a.1700000000" }, "signature_malformed"],
  ["an id with a space", { "webhook-id": "a b" }, "signature_malformed"],
  ["an id of 256 characters", { "webhook-id": "a".repeat(256) }, "signature_malformed"],
  ["a timestamp with a tail", { "webhook-timestamp": `${now}x` }, "signature_malformed"],
  ["a negative timestamp", { "webhook-timestamp": "-1" }, "signature_malformed"],
  ["a timestamp as a date", { "webhook-timestamp": "2023-11-14T22:13:20Z" }, "signature_malformed"],
  ["a timestamp in milliseconds", { "webhook-timestamp": `${now}000` }, "signature_malformed"],
  ["301 s ago", { "webhook-timestamp": String(now - 301) }, "timestamp_too_old"],
  ["301 s ahead", { "webhook-timestamp": String(now + 301) }, "timestamp_too_new"],
  ["300 s ago", { "webhook-timestamp": String(now - 300) }, "accepted as undefined"],
  ["300 s ahead", { "webhook-timestamp": String(now + 300) }, "accepted as undefined"],
  ["v1a only", { "webhook-signature": "v1a,AAAA" }, "signature_version"],
  ["v2 only", { "webhook-signature": "v2,AAAA v3,AAAA" }, "signature_version"],
  ["no version", { "webhook-signature": "AAAA" }, "signature_malformed"],
  ["no comma", { "webhook-signature": "v1AAAA" }, "signature_malformed"],
  ["hex", { "webhook-signature": "v1=00ff" }, "signature_malformed"],
  ["two joined by a comma", { "webhook-signature": "v1,AAAA, v1,AAAA" }, "signature_malformed"],
  ["two spaces", { "webhook-signature": "v1,AAAA  v1,AAAA" }, "signature_malformed"],
])("%s", (_name, changes, code) => {
  expect(codeOf(headers(signedBy(1), changes))).toBe(code);
});

test("a request is signed when it has a webhook header and no token", () => {
  expect(isSigned({ "webhook-signature": "v1,AAAA" })).toBe(true);
  expect(isSigned({ "webhook-id": "a" })).toBe(true);
  expect(isSigned({ "webhook-id": "a", authorization: "Bearer x" })).toBe(false);
  expect(isSigned({})).toBe(false);
});
