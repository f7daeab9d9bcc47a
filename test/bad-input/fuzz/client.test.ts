import fc from "fast-check";
import { expect, test } from "vitest";
import { errorOf, isObject, jsonBody, successful } from "../../../client/src/answers.js";
import { HmsSyncClientError } from "../../../client/src/errors.js";
import { parseFrame, parseSettled } from "../../../client/src/frame.js";
import { memberSpan, stringMember } from "../../../client/src/json-scan.js";
import { LineSplitter } from "../../../client/src/ndjson.js";
import { Permanent } from "../../../client/src/permanent.js";
import { parseRetryAfter } from "../../../client/src/retry.js";
import { rowOf } from "../../../client/src/sql/index.js";
import { JsonText } from "../../../src/envelope/json-text.js";
import { HmsSyncError } from "../../../src/errors.js";
import { bytesLike, fuzz, fuzzTimeout, orRefusal, spoiled, textLike } from "./fuzz.js";

const head = (lengths: number[]) =>
  `{"leases":[{"lease":"r12.1","attempt":1,"replayed":false,"ack_wait_ms":30000,"indexes":[[0,1],[4,4]],"lengths":[${lengths}]}],"settled":[{"token":"r1.1.0","to":7,"result":"ok"}]}`;

test("a framed answer: refused, or events that are its bytes one after another", {
  timeout: fuzzTimeout,
}, async () => {
  const good = [
    `${head([2, 3, 2])}\n{}{ }{}`,
    `${head([0, 0, 0])}\n`,
    '{"leases":[]}\n',
    `${head([1e9, 1, 1])}\n{}`,
  ];
  await fuzz(bytesLike(...good), (bytes) => {
    const frame = orRefusal(HmsSyncClientError, () => parseFrame(bytes));
    if (frame === undefined) return;
    const events = frame.leases.flatMap((lease) => lease.events);
    let at = bytes.indexOf("\n") + 1;
    for (const { start, end } of events) {
      expect(start).toBe(at);
      at = end;
    }
    expect(at).toBe(bytes.length);
  });
});

test("answers to settles: refused, or each with a lease and a range", { timeout: fuzzTimeout }, async () => {
  await fuzz(
    textLike('[{"token":"r1.1.0","to":7,"result":"ok"},{"token":"r1.1.8","result":"stale"}]'),
    (text) => {
      const { settled } = jsonOr({ settled: [] }, `{"settled":${text}}`);
      const answers = orRefusal(HmsSyncClientError, () => parseSettled(settled));
      for (const { first, last } of answers ?? [])
        expect([first >= 0, Number.isInteger(last)]).toEqual([true, true]);
    },
  );
});

test("an answer of anything at all: an object, or an error with a code", {
  timeout: fuzzTimeout,
}, async () => {
  const problem =
    '{"type":"about:blank","status":422,"code":"schema_violation","detail":"é","errors":[{"path":"/a","message":"b"}]}';
  const header = spoiled("application/problem+json", "120", "Wed, 21 Oct 2026 07:28:00 GMT");
  const status = fc.constantFrom(200, 204, 301, 400, 401, 404, 422, 429, 500, 503, 999);
  await fuzz(
    fc.tuple(bytesLike(problem, "null", "[]"), header, header, status),
    ([body, type, retry, code]) => {
      const answer = {
        status: code,
        body,
        headers: { "content-type": type, "retry-after": retry },
        arrivedAt: 0,
      };
      orRefusal(HmsSyncClientError, () => jsonBody(answer));
      orRefusal(HmsSyncClientError, () => successful(answer, "http://bus"));
      expect(errorOf(answer, "http://bus")).toMatchObject({
        code: expect.any(String),
        retryable: expect.any(Boolean),
      });
      expect(parseRetryAfter(retry, 0) ?? 0).toBeGreaterThanOrEqual(0);
    },
  );
});

test("lines: the same whatever chunks they come in", { timeout: fuzzTimeout }, async () => {
  const cuts = fc.array(fc.nat(200), { maxLength: 6 });
  await fuzz(fc.tuple(bytesLike('{"a":1}\n\n{"b":"é"}\n', "\n\n\n", "x"), cuts), ([bytes, places]) => {
    const splitter = new LineSplitter(20_000);
    const lines: string[] = [];
    let from = 0;
    for (const to of [...places.sort((a, b) => a - b), bytes.length]) {
      lines.push(...splitter.push(bytes.subarray(from, to)).map((line) => line.toString("latin1")));
      from = Math.max(from, Math.min(to, bytes.length));
    }
    expect(lines).toEqual(
      bytes
        .toString("latin1")
        .split("\n")
        .slice(0, -1)
        .filter((line) => line !== ""),
    );
  });
});

test("members of an envelope: refused, or as JSON.parse finds them", { timeout: fuzzTimeout }, async () => {
  await fuzz(textLike('{"id":"a\\u0062","payload":{"id":[1,{"a":"}"}]},"n":1.0}'), (text) => {
    for (const name of ["id", "payload", "n", "__proto__"]) {
      const span = orRefusal(HmsSyncClientError, () => memberSpan(text, name));
      const string = orRefusal(HmsSyncClientError, () => stringMember(text, name));
      const value = jsonOr(undefined, text);
      if (!isObject(value) || !isUnique(text)) continue;
      const own = Object.hasOwn(value, name) ? value[name] : undefined;
      expect(span === undefined ? undefined : JSON.parse(text.slice(span.start, span.end))).toEqual(own);
      if (typeof own === "string") expect(string).toBe(own);
    }
  });
});

test("a row: refused without the value, or one value for each column", { timeout: fuzzTimeout }, async () => {
  const types = [
    "decimal(12,2)",
    "smallint",
    "bigint",
    "double",
    "text(10)",
    "text(5 bytes)",
    "char(4)",
    "date",
    "timestamp(6)",
  ];
  const more = ["timestamptz", "epoch", "boolean", "json", "YN", undefined];
  const column = fc.record({
    from: fc.constantFrom("payload.a", "payload.a.b", "/a~1b", "payload.t"),
    type: fc.constantFrom(...types, ...more),
    truncate: fc.boolean(),
    charset: fc.constantFrom(undefined, "latin1", "ascii"),
    timeZone: fc.constantFrom("UTC", "America/Chicago"),
  });
  const good = [
    '{"a":12.50,"t":"2024-04-23T15:02:11Z"}',
    '{"a":{"b":true},"a/b":"né"}',
    '{"a":"99999999999999999999","t":1e400}',
    '{"a":1e-999999}',
  ];
  await fuzz(fc.tuple(column, spoiled(...good)), ([options, payload]) => {
    if (jsonOr(undefined, payload) === undefined) return;
    const mapping = { C: JSON.parse(JSON.stringify(options)) };
    const row = refused(() => rowOf(mapping, payload));
    if (row !== undefined) expect(Object.keys(row)).toEqual(["C"]);
  });
});

/** Permanent for the event, HmsSyncClientError for a type that is none or a payload that is no object. */
function refused<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Permanent) && !(error instanceof HmsSyncClientError)) throw error;
    return undefined;
  }
}

// biome-ignore lint/suspicious/noExplicitAny: any JSON
function jsonOr(otherwise: any, text: string): any {
  try {
    return JSON.parse(text);
  } catch {
    return otherwise;
  }
}

/** Of a name that is there twice JSON.parse takes the last, the client the first; the bus lets none pass. */
function isUnique(text: string): boolean {
  return orRefusal(HmsSyncError, () => JsonText.scan(text, 1_000)) !== undefined;
}
