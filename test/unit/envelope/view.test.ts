import { describe, expect, test } from "vitest";
import { CastFailure, type Casts, compileCasts } from "../../../src/envelope/cast.js";
import type { PayloadSchema } from "../../../src/envelope/types.js";
import { createView, type ViewedTopic } from "../../../src/envelope/view.js";

const anyPayload: PayloadSchema = { schema: {}, validate: () => [] };
const needsInspector: PayloadSchema = {
  schema: {},
  validate: (payload) =>
    Object.hasOwn(payload as object, "inspector")
      ? []
      : Array.from({ length: 5 }, (_, n) => ({ path: `/p${n}`, message: "must be there" })),
};
const renamed = compileCasts(
  {
    up: [{ rename: { from: "/completedBy", to: "inspector" } }],
    down: [{ rename: { from: "/inspector", to: "completedBy" } }],
  },
  "schemas/a.b/v2.casts.yaml",
);

function topic(changes: Partial<ViewedTopic> = {}): ViewedTopic {
  const schemas = new Map([1, 2, 3, 11].map((version) => [version, anyPayload]));
  return { name: "a.b", schemas, casts: new Map([[2, renamed]]), ...changes };
}

/** An envelope as `normalizeEvent` writes it. */
function envelope(version: number, payload: string, subject = "s"): Buffer {
  return Buffer.from(
    `{"topic":"a.b","version":${version},"payload":${payload},"qos":"exactly_once","replayable_until":"2024-04-30T15:02:11Z",` +
      `"id":"e1","source":"hms-api","type":"T","time":"2024-04-23T15:02:11Z","subject":${JSON.stringify(subject)}}`,
  );
}

function presented(view: { present(envelope: Buffer): Buffer | CastFailure }, given: Buffer): string {
  const result = view.present(given);
  if (result instanceof CastFailure) throw result;
  return result.toString();
}

function reasonOf(view: { present(envelope: Buffer): Buffer | CastFailure }, given: Buffer): string {
  const result = view.present(given);
  if (result instanceof CastFailure) return result.reason;
  throw new Error(`was cast to ${result}`);
}

describe("present", () => {
  test("gives an envelope that has the version as the very same buffer, unread", () => {
    const given = envelope(1, '{"completedBy":"x"}');
    expect(createView(topic(), 1).present(given)).toBe(given);
    const eleven = envelope(11, "{}");
    expect(createView(topic(), 11).present(eleven)).toBe(eleven);
    expect(createView(topic(), 1).present(eleven)).not.toBe(eleven);
  });

  test.each(['{"completedBy":"x"}', '{"completedBy":9007199254740993,"é":"\\u00e9😀","o":{}}'])(
    "changes the version and what the casts name, and not another byte: %s",
    (payload) => {
      const up = envelope(2, payload.replace("completedBy", "inspector"));
      expect(presented(createView(topic(), 2), envelope(1, payload))).toBe(up.toString());
      expect(presented(createView(topic(), 1), up)).toBe(envelope(1, payload).toString());
    },
  );

  test("goes over several versions, also where one of them has no casts", () => {
    const moved = compileCasts({ up: [{ move: { from: "/inspector", to: "/by/inspector" } }] }, "v11");
    const long = topic({
      casts: new Map([
        [11, moved],
        [2, renamed],
      ]),
    });
    const expected = envelope(11, '{"by":{"inspector":"x"}}').toString();
    expect(presented(createView(long, 11), envelope(1, '{"completedBy":"x"}'))).toBe(expected);
    expect(presented(createView(long, 11), envelope(3, '{"inspector":"x"}'))).toBe(expected);
  });

  test("finds the payload's end where the payload looks like an envelope", () => {
    const payload =
      '{"completedBy":1,"qos":"exactly_once","replayable_until":"x","payload":{"a":",\\"qos\\":\\""}}';
    const given = envelope(1, payload, ',"qos":"exactly_once"');
    const expected = envelope(2, payload.replace("completedBy", "inspector"), ',"qos":"exactly_once"');
    expect(presented(createView(topic(), 2), given)).toBe(expected.toString());
  });

  test("fails with the cast's reason", () => {
    const reason = reasonOf(
      createView(topic(), 2),
      envelope(1, '{"completedBy":"secret","inspector":"secret"}'),
    );
    expect(reason).toBe(
      "schemas/a.b/v2.casts.yaml, step 1 of up: /completedBy cannot be named inspector: there is a member of that name already",
    );
  });

  test("fails when the result does not fit the consumer's version, with the first violations", () => {
    const strict = topic({ schemas: new Map([[2, needsInspector]]) });
    expect(reasonOf(createView(strict, 2), envelope(1, '{"by":"secret"}'))).toBe(
      "cast from version 1, the payload does not fit schemas/a.b/v2.json: /p0 must be there; /p1 must be there; /p2 must be there; and 2 more",
    );
    expect(presented(createView(strict, 2), envelope(1, '{"completedBy":"x"}'))).toContain('"version":2');
  });

  test("fails with a reason of bounded length, however long the names in the payload are", () => {
    const path = `/${"n".repeat(1_000_000)}`;
    const strict = { schema: {}, validate: () => [{ path, message: "must be string" }] };
    const view = createView(topic({ schemas: new Map([[2, strict]]) }), 2);
    expect(reasonOf(view, envelope(1, "{}")).length).toBeLessThan(1_100);
  });

  test("fails when the consumer's version is not listed any more, except for envelopes that have it", () => {
    const view = createView(topic(), 7);
    expect(reasonOf(view, envelope(1, "{}"))).toBe("a.b has no version 7 any more; add schemas/a.b/v7.json");
    const own = envelope(7, "{}");
    expect(view.present(own)).toBe(own);
  });
});

describe("wants", () => {
  test("everything without a filter, unread", () => {
    expect(createView(topic(), 2).wants(Buffer.alloc(0))).toBe(true);
  });

  test("what matches in the consumer's version", () => {
    const view = createView(topic(), 2, { inspector: { $startsWith: "I" } });
    expect(view.wants(envelope(2, '{"inspector":"I1"}'))).toBe(true);
    expect(view.wants(envelope(1, '{"completedBy":"I1"}'))).toBe(true);
    expect(view.wants(envelope(1, '{"completedBy":"X"}'))).toBe(false);
    expect(view.wants(envelope(2, '{"completedBy":"I1"}'))).toBe(false);
  });

  test("what cannot be cast, so that it becomes a dead letter with its reason", () => {
    const view = createView(topic(), 2, { inspector: "nobody" });
    const given = envelope(1, '{"completedBy":1,"inspector":1}');
    expect(view.wants(given)).toBe(true);
    expect(reasonOf(view, given)).toContain("cannot be named inspector");
  });

  test("and present cast an envelope once together", () => {
    let count = 0;
    const counting: Casts = {
      ...renamed,
      up: (payload) => {
        count++;
        return renamed.up(payload);
      },
    };
    const view = createView(topic({ casts: new Map([[2, counting]]) }), 2, { inspector: "x" });
    const given = envelope(1, '{"completedBy":"x"}');
    expect(view.wants(given)).toBe(true);
    expect(presented(view, given)).toContain('"inspector":"x"');
    expect(count).toBe(1);
  });
});
