import assert from "node:assert/strict";
import { test } from "node:test";
import { controlId, type EventIdentity, fileName } from "../src/event-name.js";

const event: EventIdentity = {
  topic: "inspections.status",
  source: "hms-api",
  id: "018f0c1e-7d7a-7c54-9f3e-5a1d2c3b4a59",
  time: "2024-04-23T15:02:11.25Z",
};

test("the same event has the same name, with its time in UTC and its id", () => {
  const name = fileName(event);
  assert.equal(name, `20240423150211250_018f0c1e-7d7a-7c54-9f3e-5a1d2c3b4a59_${controlId(event)}.hl7`);
  assert.equal(fileName({ ...event }), name);
  assert.equal(fileName({ ...event, time: "2024-04-23T10:02:11.250-05:00" }), name);
});

test("another topic, source, id or redo is another name, also where capitals do not count", () => {
  const others = [
    { topic: "inspections.schedule" },
    { source: "cli" },
    ...["a", "A", "a:b", "a/b", "a-b", "a b", "", "x".repeat(256), `${"x".repeat(255)}y`].map((id) => ({
      id,
    })),
    { redo: "replay-1" },
    { redo: "replay-2" },
  ];
  const names = [event, ...others.map((other) => ({ ...event, ...other }))].map(fileName);
  assert.equal(new Set(names.map((name) => name.toLowerCase())).size, names.length);
});

test("names are such as Windows takes, whatever the id holds", () => {
  const ids = [
    '<>:"/\\|?*',
    "../../etc/passwd",
    "CON",
    "nul.",
    " ",
    "é🦊\ud800",
    "x".repeat(256),
    "$(rm)`;&'",
  ];
  for (const id of ids)
    assert.match(fileName({ ...event, id }), /^\d{17}_[A-Za-z0-9.-]{1,80}_[0-9a-f]{20}\.hl7$/);
});

test("names sort as the events happened", () => {
  const times = [
    "1969-07-20T20:17:40Z",
    "2024-04-23T15:02:11Z",
    "2024-04-23T15:02:11.001Z",
    "2024-04-23T15:02:12+00:00",
  ];
  const names = times.map((time) => fileName({ ...event, time }));
  assert.deepEqual([...names].reverse().sort(), names);
});

test("an event whose time is none is refused", () => {
  assert.throws(() => fileName({ ...event, time: "2016-12-31T23:59:60Z" }), /^Permanent: hl7: envelope.time/);
});
