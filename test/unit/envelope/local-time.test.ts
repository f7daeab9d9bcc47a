import { describe, expect, test } from "vitest";
import { formatInstant, isTimezone, localToUtc, parseInstant } from "../../../src/envelope/local-time.js";
import { errorOf } from "./catalogue.js";

describe("a date-time without an offset", () => {
  test.each([
    ["2024-04-23 15:02:11", "UTC", "2024-04-23T15:02:11Z"],
    ["2024-04-23T15:02:11", "UTC", "2024-04-23T15:02:11Z"],
    ["2024-04-23 15:02:11.123456", "UTC", "2024-04-23T15:02:11.123456Z"],
    ["2024-04-23 15:02:11.000000", "Europe/Rome", "2024-04-23T13:02:11.000000Z"],
    ["2024-01-23 15:02:11", "Europe/Rome", "2024-01-23T14:02:11Z"],
    ["2024-04-23 23:30:00", "America/Chicago", "2024-04-24T04:30:00Z"],
    ["2024-04-23 15:02:11", "Asia/Kathmandu", "2024-04-23T09:17:11Z"],
    ["2024-04-23 15:02:11", "+02:00", "2024-04-23T13:02:11Z"],
    ["2024-04-23 15:02:11", "-0530", "2024-04-23T20:32:11Z"],
    ["1850-06-01 00:00:30", "America/Chicago", "1850-06-01T05:51:06Z"],
    ["2024-02-29 00:00:00", "UTC", "2024-02-29T00:00:00Z"],
  ])("%s in %s is %s", (local, timezone, utc) => {
    expect(localToUtc(local, timezone)).toBe(utc);
  });

  // As PHP does: 02:30 on 10 March 2024 did not exist in Chicago, 01:30 on 3 November 2024 was there twice.
  test.each([
    ["before the gap", "2024-03-10 01:59:59", "America/Chicago", "2024-03-10T07:59:59Z"],
    ["in the gap: moved on by it", "2024-03-10 02:30:00", "America/Chicago", "2024-03-10T08:30:00Z"],
    ["after the gap", "2024-03-10 03:00:00", "America/Chicago", "2024-03-10T08:00:00Z"],
    ["before the overlap", "2024-11-03 00:59:59", "America/Chicago", "2024-11-03T05:59:59Z"],
    ["in the overlap: the first one", "2024-11-03 01:30:00", "America/Chicago", "2024-11-03T06:30:00Z"],
    ["after the overlap", "2024-11-03 02:00:00", "America/Chicago", "2024-11-03T08:00:00Z"],
    ["in a gap of the southern half", "2024-10-06 02:15:00", "Australia/Lord_Howe", "2024-10-05T15:45:00Z"],
    ["on a day that a zone skipped", "2011-12-30 12:00:00", "Pacific/Apia", "2011-12-30T22:00:00Z"],
  ])("%s", (_, local, timezone, utc) => {
    expect(localToUtc(local, timezone)).toBe(utc);
  });

  test.each([
    "2024-04-23T15:02:11Z",
    "2024-04-23 15:02:11+02:00",
    "2024-04-23",
    "2024-04-23 15:02",
    "2024-02-30 00:00:00",
    "2023-02-29 00:00:00",
    "2024-04-23 24:00:00",
    "2024-04-23 15:60:00",
    "0000-00-00 00:00:00",
    "2024-04-23  15:02:11",
    " 2024-04-23 15:02:11",
    "23.04.2024 15:02:11",
    "",
  ])("%j is none and stays for the schema to judge", (text) => {
    expect(localToUtc(text, "UTC")).toBeUndefined();
  });

  test("that UTC cannot write with four digits stays as it is", () => {
    expect(localToUtc("9999-12-31 23:59:59", "America/Chicago")).toBeUndefined();
  });

  test("in an unknown zone is an error that names the zone and the remedy", () => {
    const error = errorOf(() => localToUtc("2024-04-23 15:02:11", "Mars/Olympus"));
    expect(error).toMatchObject({ code: "unknown_timezone", status: 422 });
    expect(error.message).toMatch(/"Mars\/Olympus" is no time zone.*set app.timezone/);
  });
});

describe("an instant", () => {
  test.each([
    ["2024-04-23T15:02:11Z", "2024-04-23T15:02:11Z"],
    ["2024-04-23T15:02:11.000000Z", "2024-04-23T15:02:11Z"],
    ["2024-04-23T15:02:11.120999+00:00", "2024-04-23T15:02:11.120Z"],
    ["2024-04-23T17:02:11+02:00", "2024-04-23T15:02:11Z"],
    ["2024-04-23t15:02:11z", "2024-04-23T15:02:11Z"],
  ])("%s is written %s", (text, written) => {
    expect(formatInstant(parseInstant(text)!)).toBe(written);
  });

  test.each([
    "2024-04-23T15:02:11",
    "2024-04-23 15:02:11Z",
    "2024-02-30T00:00:00Z",
    "2024-04-23T24:00:00Z",
    "2024-04-23",
    "now",
    "",
  ])("%j is none", (text) => {
    expect(parseInstant(text)).toBeUndefined();
  });

  test("beyond the year 9999 is written as its last", () => {
    expect(formatInstant(Date.UTC(12_000, 0))).toBe("9999-12-31T23:59:59.999Z");
  });
});

test.each([
  ["UTC", true],
  ["America/Chicago", true],
  ["+02:00", true],
  ["Chicago", false],
  ["", false],
])("%j is a time zone: %s", (name, is) => {
  expect(isTimezone(name)).toBe(is);
});
