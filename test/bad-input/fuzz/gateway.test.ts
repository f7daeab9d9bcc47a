import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HmsSyncError } from "../../../src/errors.js";
import { answerSettle, batchSettles, maxRun, parseToken } from "../../../src/fanout/settlement.js";
import { bearerToken } from "../../../src/gateway/authorize.js";
import { bodyObject } from "../../../src/gateway/body.js";
import { maxPull, maxSettles, maxWaitMs, readPull, readPullMany } from "../../../src/gateway/deliveries.js";
import { batchTexts } from "../../../src/gateway/ingress/batch.js";
import { binaryContext } from "../../../src/gateway/ingress/binary.js";
import { idempotencyKey, webhookId } from "../../../src/gateway/ingress/idempotency.js";
import { formOf, mustBeJson } from "../../../src/gateway/ingress/media-type.js";
import { structuredEvent } from "../../../src/gateway/ingress/structured.js";
import { readReplay } from "../../../src/gateway/replay-route.js";
import { isSigned, matchingSystem, readSignature } from "../../../src/gateway/webhook-signature.js";
import { bytesLike, fuzz, fuzzTimeout, orRefusal, spoiled, textLike } from "./fuzz.js";

const event =
  '{"specversion":"1.0","id":"1","source":"/offices/7","type":"Done","time":"2024-04-23T15:02:11Z","subject":"a","schemaversion":2,"data":{"n":1.0,"é":[null]}}';
const binary =
  '{"specversion":"1.0","id":"1","source":"/a","type":"t","datacontenttype":"application/json; charset=utf-8","data_base64":"eyJuIjoxfQ=="}';

describe("CloudEvents", () => {
  test("structured: refused, or the payload is a piece of the text", { timeout: fuzzTimeout }, async () => {
    await fuzz(textLike(event, binary), (text) => {
      const read = orRefusal(HmsSyncError, () => structuredEvent(text));
      if (read === undefined) return;
      const { data, data_base64: encoded } = JSON.parse(text);
      expect(read.id).toBe(JSON.parse(text).id);
      if (encoded === undefined)
        expect([text.includes(read.payload), JSON.parse(read.payload)]).toEqual([true, data]);
      else expect(Buffer.from(read.payload)).toEqual(Buffer.from(encoded, "base64"));
    });
  });

  test("a batch: refused, or each text is an element of it", { timeout: fuzzTimeout }, async () => {
    await fuzz(textLike(`[${event},${binary}]`, `[ ${event} ]`, '[1,"[",{"a":"]"}]'), (text) => {
      const texts = orRefusal(HmsSyncError, () => batchTexts(text));
      if (texts !== undefined) expect(texts.map((each) => JSON.parse(each))).toEqual(JSON.parse(text));
    });
  });

  test("headers: refused, or as they are", { timeout: fuzzTimeout }, async () => {
    const good = {
      "ce-id": "a%20b",
      "ce-source": "/a",
      "ce-type": '"t\\"t"',
      "ce-specversion": "1.0",
      "ce-subject": "%F0%9F%98%80",
    };
    const changes = fc.array(
      fc.tuple(fc.constantFrom(...Object.keys(good), "ce-x y", "ce-é"), spoiled(...Object.values(good))),
      { maxLength: 2 },
    );
    const type = spoiled(
      "application/json; charset=utf-8",
      "application/cloudevents+json",
      "application/vnd.a+json",
    );
    await fuzz(fc.tuple(changes, type), ([changed, contentType]) => {
      const headers: Record<string, string> = { ...good, ...Object.fromEntries(changed) };
      const distinct = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));
      const form = orRefusal(HmsSyncError, () => formOf({ ...headers, "content-type": contentType }));
      if (form === "binary") orRefusal(HmsSyncError, () => mustBeJson(contentType));
      const context = orRefusal(HmsSyncError, () => binaryContext(distinct));
      if (context !== undefined) expect(context.id.length * context.type.length).toBeGreaterThan(0);
    });
  });
});

describe("the headers of a request", () => {
  test("a signature: refused, or its parts are what was sent", { timeout: fuzzTimeout }, async () => {
    const now = 1_700_000_000_000;
    const good = {
      "webhook-id": "msg_1",
      "webhook-timestamp": "1700000000",
      "webhook-signature": "v1,AAAA v1a,BBBB v2,CCCC",
    };
    const changes = fc.array(
      fc.tuple(fc.constantFrom(...Object.keys(good)), spoiled(...Object.values(good))),
      { maxLength: 2 },
    );
    await fuzz(fc.tuple(changes, bytesLike("{}")), ([changed, body]) => {
      const headers = { ...good, ...Object.fromEntries(changed) };
      expect(isSigned(headers)).toBe(true);
      const signature = orRefusal(HmsSyncError, () => readSignature(headers, now));
      if (signature === undefined) return;
      expect([signature.id, signature.timestamp]).toEqual([
        headers["webhook-id"],
        headers["webhook-timestamp"],
      ]);
      expect(Math.abs(Number(signature.timestamp) - 1_700_000_000)).toBeLessThanOrEqual(300);
      expect(matchingSystem(signature, body, [{ system: "a", key: Buffer.alloc(24, 7) }])).toBeUndefined();
    });
  });

  test("keys and bearer tokens: refused, or a word of printable ASCII", {
    timeout: fuzzTimeout,
  }, async () => {
    await fuzz(spoiled("key-1", '"key \\" 1"', '"key"', "Bearer hms_abc", "bearer   a=="), (text) => {
      for (const read of [idempotencyKey, webhookId]) {
        const key = orRefusal(HmsSyncError, () => read({ "idempotency-key": text, "webhook-id": text }));
        if (key !== undefined) expect(key).toMatch(/^[\x21-\x7e]{1,255}$/);
      }
      expect(bearerToken(text) ?? "a").toMatch(/^[\x21-\x7e]{1,600}$/);
    });
  });
});

describe("what consumers send", () => {
  const settles =
    '{"settle":[{"token":"r12.1.0","to":4,"action":"nack","delay_ms":5,"reason":"é"},{"token":"r1.1.0","action":"ack","topic":"t"}]';
  const bodies = [
    `${settles},"max":10,"wait_ms":40000}`,
    `${settles},"topics":["t","u"]}`,
    "{}",
    '{"settle":null,"max":null}',
  ];

  test("a body: refused, or within its limits", { timeout: fuzzTimeout }, async () => {
    await fuzz(bytesLike(...bodies), (bytes) => {
      const body = orRefusal(HmsSyncError, () => bodyObject(bytes));
      if (body === undefined) return;
      for (const read of [readPull, readPullMany]) {
        const pull = orRefusal(HmsSyncError, () => read(body));
        if (pull === undefined) continue;
        expect([pull.max >= 1 && pull.max <= maxPull, pull.waitMs >= 0 && pull.waitMs <= maxWaitMs]).toEqual([
          true,
          true,
        ]);
        expect(pull.settle.length).toBeLessThanOrEqual(maxSettles);
        for (const { delayMs = 0, reason = "", to = 0 } of pull.settle)
          expect([delayMs >= 0, reason.length <= 1_000, Number.isInteger(to)]).toEqual([true, true, true]);
      }
    });
  });

  test("a replay: refused, or from a ledger id on", { timeout: fuzzTimeout }, async () => {
    const asked = [
      '{"since":"10m","until":"2024-04-23T15:02:11Z","redo":true}',
      '{"since":"0"}',
      '{"since":"999999999d"}',
    ];
    await fuzz(textLike(...asked), (text) => {
      const body = orRefusal(HmsSyncError, () => bodyObject(Buffer.from(text)));
      const replay = body && orRefusal(HmsSyncError, () => readReplay(body, Date.now()));
      if (replay !== undefined)
        expect(`${replay.from} ${replay.until ?? "0-0"}`).toMatch(/^\d{1,16}-\d{1,20} \d{1,16}-\d{1,20}$/);
    });
  });

  test("a token: none of ours, or each of its events is in one batch and answered", {
    timeout: fuzzTimeout,
  }, async () => {
    const request = fc.record(
      {
        token: spoiled("r1.1.0", "r999999999999999.999999999.499", "r7.2.10"),
        to: fc.option(fc.integer({ min: -5, max: 10_000 }), { nil: undefined }),
      },
      { requiredKeys: ["token"] },
    );
    await fuzz(fc.array(request, { maxLength: 5 }), (given) => {
      const requests = given.map(({ token, to }) => ({
        token,
        action: "ack" as const,
        ...(to === undefined ? {} : { to }),
      }));
      const batched = batchSettles(requests).flatMap(({ operations }) => operations);
      expect(new Set(batched.map(({ request: index }) => index)).size).toBe(batched.length);
      for (const { first, last } of batched)
        expect([first >= 0, last >= first, last < maxRun]).toEqual([true, true, true]);
      for (const [index, { token, to }] of requests.entries()) {
        const operation = batched.find((each) => each.request === index);
        const parsed = parseToken(token);
        if (parsed === undefined) expect(operation).toBeUndefined();
        else expect(`${parsed.run}.${parsed.generation}.${parsed.index}`).toBe(token);
        const bytes =
          operation === undefined ? "u" : "kks".repeat(200).slice(0, operation.last - operation.first + 1);
        const answers = answerSettle(requests[index]!, bytes);
        expect(answers[0]!.token).toBe(
          operation === undefined || to === undefined ? token : answers[0]!.token,
        );
      }
    });
  });
});
