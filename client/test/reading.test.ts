import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LineSplitter } from "../src/ndjson.js";
import { durationMs, ResumePoint } from "../src/resume-point.js";

describe("LineSplitter", () => {
  test("gives the lines whatever the chunks, and leaves out empty ones", () => {
    const line = fc.string({ unit: fc.constantFrom(..."aé🙂") });
    fc.assert(
      fc.property(
        fc.array(line),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        (lines, sizes) => {
          const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(""));
          const splitter = new LineSplitter(1_000);
          const got: string[] = [];
          for (let at = 0, i = 0; at < bytes.length; i++) {
            const size = sizes[i % sizes.length]!;
            got.push(...splitter.push(bytes.subarray(at, at + size)).map(String));
            at += size;
          }
          expect(got).toEqual(lines.filter((text) => text !== ""));
        },
      ),
    );
  });

  test("keeps no more of a line than the limit", () => {
    const splitter = new LineSplitter(10);
    expect(splitter.push(Buffer.from("0123456789\n"))).toHaveLength(1);
    splitter.push(Buffer.from("01234"));
    expect(() => splitter.push(Buffer.from("567890"))).toThrow(
      expect.objectContaining({ code: "response_too_large" }),
    );
  });
});

describe("ResumePoint", () => {
  const noon = Date.UTC(2024, 3, 23, 12);
  const time = (ms: number) => new Date(ms).toISOString();

  test("asks as it was told until it has been connected", () => {
    expect(new ResumePoint("10m").query()).toBe("10m");
    expect(new ResumePoint(undefined).query()).toBeUndefined();
  });

  test("a window stays where it was when the first connection saw it, though time passes", () => {
    const resume = new ResumePoint("10m");
    resume.connected(noon);
    resume.connected(noon + 3_600_000);
    expect(resume.query()).toBe(time(noon - 600_000));
  });

  test("from now on means from the first connection on", () => {
    const resume = new ResumePoint(undefined);
    resume.connected(noon);
    expect(resume.query()).toBe(time(noon));
  });

  test("goes on a little before the latest event seen; an older one after it changes nothing", () => {
    const resume = new ResumePoint("0");
    resume.connected(noon + 60_000);
    resume.note("s", "a", time(noon), noon + 60_000);
    resume.note("s", "b", time(noon - 3_600_000), noon + 60_000);
    expect(resume.query()).toBe(time(noon - 5_000));
  });

  test("an event of the future does not make it miss what comes until then", () => {
    const resume = new ResumePoint(undefined);
    resume.note("s", "a", time(noon + 86_400_000), noon);
    expect(resume.query()).toBe(time(noon - 5_000));
  });

  test("knows what it has seen, per source", () => {
    const resume = new ResumePoint("0");
    const noted = [
      ["s", "a"],
      ["s", "a"],
      ["other", "a"],
    ].map(([source, id]) => resume.note(source!, id!, time(noon), noon));
    expect(noted).toEqual([true, false, true]);
  });
});

test.each([
  ["10m", 600_000],
  ["2h30m", 9_000_000],
  ["250ms", 250],
  ["1d", 86_400_000],
  ["0", undefined],
  ["2024-01-01T00:00:00Z", undefined],
  ["m", undefined],
])("%s lasts %s ms", (text, ms) => {
  expect(durationMs(text)).toBe(ms);
});
