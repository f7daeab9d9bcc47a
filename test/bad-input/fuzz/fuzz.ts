import fc from "fast-check";
import { expect } from "vitest";

/** How long (s) each parser is fuzzed; FUZZ_SECONDS=600 for a night. */
const seconds = Number(process.env.FUZZ_SECONDS ?? 2);
/** CPU time (ms) that no single input of a few kilobytes may take. */
const patienceMs = 2_000;

/** The time that a test with one `fuzz` in it may take (ms). */
export const fuzzTimeout = seconds * 1_000 + 30_000;

/** Runs `check` on inputs for a bounded time. An input that takes long fails as one that throws does. */
export async function fuzz<T>(
  input: fc.Arbitrary<T>,
  check: (value: T) => void | Promise<void>,
): Promise<void> {
  let inputs = 0;
  const property = fc.asyncProperty(input, async (value) => {
    inputs++;
    const before = process.cpuUsage();
    await check(value);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1_000, "CPU time of this input (ms)").toBeLessThan(patienceMs);
  });
  const limits = { numRuns: 100_000_000, interruptAfterTimeLimit: seconds * 1_000 };
  await fc.assert(property, limits);
  expect(inputs).toBeGreaterThan(20);
}

/** What `read` gives, or undefined when it refuses with an error of the class; any other error is thrown. */
export function orRefusal<T>(
  refusal: abstract new (...args: never[]) => Error,
  read: () => T,
): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof refusal)) throw error;
    expect(error.message.length).toBeLessThan(20_000); // no more than once what was given
    return undefined;
  }
}

const json = [
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  '"',
  "\\",
  "\\u",
  "\\ud800",
  "null",
  "true",
  "NaN",
  "-",
  "1e999",
  "0x1",
  ".5",
];
const odd = [
  "\u0000",
  "\n",
  "\r\n",
  "\ufeff",
  "\u2028",
  "\ud800",
  "é",
  "😀",
  "__proto__",
  "constructor",
  " ",
  "%",
  "%zz",
];
const deep = ["[".repeat(70), '{"a":'.repeat(70), "9".repeat(400), "a".repeat(5_000)];

/** Any UTF-16 at all, halves of pairs too. `fc.string({unit: "binary"})` takes seconds to be made. */
const anyText = (maxLength: number) =>
  fc
    .array(fc.oneof(fc.nat(0x7f), fc.nat(0xffff)), { maxLength })
    .map((units) => String.fromCharCode(...units));

/** Text with pieces cut out and put in: mostly like what is good, and broken where it hurts. */
export function spoiled(...good: readonly string[]): fc.Arbitrary<string> {
  const piece = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...json, ...odd) },
    { weight: 1, arbitrary: fc.constantFrom(...deep) },
    { weight: 2, arbitrary: anyText(3) },
  );
  const edits = fc.array(fc.tuple(fc.nat(1_000), fc.nat(8), piece), { maxLength: 4 });
  return fc.tuple(fc.constantFrom(...good), edits).map(([text, all]) =>
    all.reduce((spoilt, [where, length, inserted]) => {
      const at = where % (spoilt.length + 1);
      return spoilt.slice(0, at) + inserted + spoilt.slice(at + length);
    }, text),
  );
}

/** Any text at all, or one of the good ones spoiled. */
export function textLike(...good: readonly string[]): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 4, arbitrary: spoiled(...good) },
    { weight: 1, arbitrary: anyText(20) },
    { weight: 1, arbitrary: fc.json() },
  );
}

/** The same as bytes, sometimes no UTF-8. */
export function bytesLike(...good: readonly string[]): fc.Arbitrary<Buffer> {
  const text = textLike(...good).map((each) => Buffer.from(each));
  const broken = fc
    .tuple(text, fc.nat(1_000), fc.uint8Array({ minLength: 1, maxLength: 2 }))
    .map(([bytes, where, put]) => {
      const at = where % (bytes.length + 1);
      return Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at)]);
    });
  return fc.oneof({ weight: 4, arbitrary: text }, { weight: 1, arbitrary: broken });
}
