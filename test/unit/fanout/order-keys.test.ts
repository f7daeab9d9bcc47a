import { expect, test } from "vitest";
import { keysOf, keyWidth } from "../../../src/fanout/order-keys.js";

const envelope = (subject: string | undefined, payload: object = { n: 1 }, more = "") => ({
  body: Buffer.from(
    `{"topic":"t","version":1,"payload":${JSON.stringify(payload)},"id":"1","source":"s","type":"T","time":"2024-04-23T15:02:11Z"` +
      `${subject === undefined ? "" : `,"subject":${JSON.stringify(subject)}`}${more}}`,
  ),
});
const keyOf = (...each: Parameters<typeof envelope>) => keysOf([envelope(...each)]);

test("every event has a key of the same width; those of one subject have the same", () => {
  const keys = keysOf([envelope("42"), envelope(undefined), envelope("43"), envelope("42", { n: 2 })]);
  expect(keys.length).toBe(4 * keyWidth);
  const [first, none, other, same] = [0, 1, 2, 3].map((i) => keys.slice(i * keyWidth, (i + 1) * keyWidth));
  expect(first).toBe(same);
  expect(new Set([first, none, other]).size).toBe(3);
  expect(none).toBe(" ".repeat(keyWidth));
});

test.each([
  ["in the payload", { subject: "no key" }, ""],
  ["in the payload, beside a time", { time: "2024", subject: "no key" }, ""],
  ["in a text of the payload", { text: '"time":"","subject":"no key"' }, ""],
  ["of a payload deep inside", { deep: [{ subject: "no key" }] }, ',"origin":"hms-api"'],
])("a subject %s is no key", (_name, payload, more) => {
  expect(keyOf(undefined, payload, more)).toBe(" ".repeat(keyWidth));
  expect(keyOf("key", payload, more)).toBe(keyOf("key"));
});

test.each(['quo"ted', "back\\slash", "\\", '"', "ключ", "🔑", '","subject":"other', " "])(
  "%j is a key of its own",
  (subject) => {
    expect(keyOf(subject)).toMatch(/^[\w-]{11}$/);
    expect(keyOf(subject)).toBe(keyOf(subject, { n: 2 }, ',"origin":"hms-api"'));
    expect(keyOf(subject)).not.toBe(keyOf(`${subject}.`));
  },
);
