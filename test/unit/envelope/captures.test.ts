import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { normalizeBroadcast } from "../../../src/envelope/normalize.js";
import type { NormalizedBroadcast } from "../../../src/envelope/types.js";
import { parsePubSubMessage } from "../../../src/envelope/wire.js";
import { loadRegistry } from "../../../src/registry/load.js";
import type { Registry } from "../../../src/registry/registry.js";
import { entry, openSchema, registryOf } from "../registry/write-registry.js";
import { payloadOf } from "./catalogue.js";

const root = join(import.meta.dirname, "../../..");
const captures = JSON.parse(
  readFileSync(join(root, "test/fixtures/wire/laravel-12-redis-driver.json"), "utf8"),
) as { channel: string; message: string }[];

function receive(index: number, registry: Registry): NormalizedBroadcast {
  const { channel, message } = captures[index]!;
  const broadcast = parsePubSubMessage(Buffer.from(channel), Buffer.from(message), {
    prefix: "hms_database_",
    source: "hms-api",
    timezone: "UTC",
    mintId: () => "minted",
    now: () => new Date("2024-04-23T15:02:11Z"),
  });
  return normalizeBroadcast(broadcast, registry);
}

/** What a capture becomes: an event's type and payload, a reject's code, or nothing. */
type Outcome = { type: string; payload: string } | { reject: string } | "ignored";

function outcomeOf({ events, rejects, ignored }: NormalizedBroadcast): Outcome {
  expect(events.length + rejects.length + ignored.length).toBe(1);
  const [event] = events;
  if (event !== undefined) {
    return { type: (JSON.parse(event.text) as { type: string }).type, payload: payloadOf(event) };
  }
  return rejects[0] === undefined ? "ignored" : { reject: rejects[0].code };
}

const violation = { reject: "schema_violation" };

test("there are 14 captures", () => {
  expect(captures).toHaveLength(14);
});

describe("what Laravel's redis driver published becomes, with the topics of this repository", () => {
  let registry: Registry;
  beforeAll(async () => {
    registry = await loadRegistry(join(root, "topics.yaml"));
  });

  test.each<[number, string, Outcome]>([
    [
      0,
      "a public channel",
      {
        type: "Plain",
        payload:
          '{"inspectionId":4211,"newStatus":"Completed","completedBy":"j.doe","timestamp":"2024-04-23T15:02:11Z"}',
      },
    ],
    [1, "a private channel", violation],
    [2, "a presence channel", violation],
    [3, "an encrypted channel", { reject: "encrypted_channel" }],
    [4, "one of several channels", violation],
    [5, "a channel that is no topic", "ignored"],
    [6, "another channel that is no topic", "ignored"],
    [7, "an event with a broadcastAs name", violation],
    [
      8,
      "an event with broadcastWith",
      { type: "With", payload: '{"inspectionId":4211,"newStatus":"Completed"}' },
    ],
    [9, "an event of a socket", violation],
    [10, "an event with a model", violation],
    [11, "an event without properties", violation],
    [12, "an anonymous event", violation],
    [13, "an anonymous event on a private channel", violation],
  ])("%i, %s", (index, _, outcome) => {
    expect(outcomeOf(receive(index, registry))).toEqual(outcome);
  });

  test("a reject names what does not fit, the channel and the topic", () => {
    expect(receive(1, registry).rejects).toEqual([
      {
        code: "schema_violation",
        reason:
          "the payload does not fit schemas/inspections.status/v1.json: the payload must have required property 'inspectionId'",
        channel: "private-inspections.status",
        topic: "inspections.status",
      },
    ]);
  });

  test("a reject of an encrypted channel names the remedy", () => {
    expect(receive(3, registry).rejects[0]?.reason).toContain(
      'broadcast on new PrivateChannel("inspections.status")',
    );
  });
});

describe("what Laravel's redis driver published becomes, with topics that take any object", () => {
  let registry: Registry;
  beforeAll(async () => {
    registry = await registryOf({
      "topics.yaml": entry("inspections.status") + entry("facilities.12"),
      "schemas/inspections.status/v1.json": openSchema,
      "schemas/facilities.12/v1.json": openSchema,
    });
  });

  test.each<[number, Outcome]>([
    [
      0,
      {
        type: "Plain",
        payload: '{"inspectionId":4211,"completedBy":"j.doe","timestamp":"2024-04-23T15:02:11Z"}',
      },
    ],
    [1, { type: "Priv", payload: '{"n":1}' }],
    [2, { type: "Pres", payload: '{"n":1}' }],
    [3, { reject: "encrypted_channel" }],
    [4, { type: "Multi", payload: '{"n":1}' }],
    [5, { type: "Multi", payload: '{"n":1}' }],
    [6, "ignored"],
    [7, { type: "inspection.completed", payload: '{"n":1}' }],
    [8, { type: "With", payload: '{"inspectionId":4211,"newStatus":"Completed"}' }],
    [9, { type: "WithSock", payload: '{"n":1}' }],
    [
      10,
      {
        type: "WithModel",
        payload:
          '{"facility":{"id":12,"name":"Ward","opened_at":"2020-01-01T00:00:00.000000Z","meta":{"beds":4}}}',
      },
    ],
    [11, { type: "Empty_", payload: "{}" }],
    [12, { type: "anon.event", payload: '{"n":1}' }],
    [13, { type: "AnonymousEvent", payload: '{"n":2}' }],
  ])("%i", (index, outcome) => {
    expect(outcomeOf(receive(index, registry))).toEqual(outcome);
  });

  test("the envelope of one is complete", () => {
    expect(receive(1, registry).events[0]?.text).toBe(
      '{"topic":"inspections.status","version":1,"payload":{"n":1},"qos":"exactly_once","replayable_until":"2024-04-30T15:02:11Z",' +
        '"id":"minted","source":"hms-api","type":"Priv","time":"2024-04-23T15:02:11Z"}',
    );
  });
});
