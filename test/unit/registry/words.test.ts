import { expect, test } from "vitest";
import { parseDuration } from "../../../src/registry/duration.js";
import { didYouMean } from "../../../src/registry/suggest.js";

test.each([
  ["7d", 604_800_000],
  ["12h", 43_200_000],
  ["30m", 1_800_000],
  ["10s", 10_000],
  ["500ms", 500],
  ["1h 30m", 5_400_000],
  ["1d2h3m4s5ms", 93_784_005],
])("%s is a duration", (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each(["", "7", "d", "7 d", " 7d", "7d ", "-1s", "1.5h", "7D", "30m 1h", "1s 1s", "PT5M", "1e3s"])(
  "%j is no duration",
  (text) => {
    expect(parseDuration(text)).toBeUndefined();
  },
);

test.each([
  ["qso", " (did you mean qos?)"],
  ["QOS", " (did you mean qos?)"],
  ["retenton", " (did you mean retention?)"],
  ["shcema", " (did you mean schema?)"],
  ["partitions", ""],
])("%s is answered with%s", (word, answer) => {
  expect(didYouMean(word, ["qos", "retention", "schema", "producers", "consumers"])).toBe(answer);
});
