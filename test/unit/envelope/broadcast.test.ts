import { beforeAll, describe, expect, test } from "vitest";
import { normalizeBroadcast } from "../../../src/envelope/normalize.js";
import type { Broadcast } from "../../../src/envelope/types.js";
import type { Registry } from "../../../src/registry/registry.js";
import { entry, openSchema, registryOf } from "../registry/write-registry.js";

describe("a broadcast", () => {
  const broadcast = (changes: Partial<Broadcast>): Broadcast => ({
    id: "e1",
    channels: ["t"],
    event: "Done",
    data: "{}",
    time: "2024-04-23T15:02:11Z",
    source: "hms-api",
    timezone: "UTC",
    origin: "",
    ...changes,
  });
  let registry: Registry;
  beforeAll(async () => {
    registry = await registryOf({
      "topics.yaml": entry("t") + entry("u") + entry("strict") + entry("others", { producers: "[x]" }),
      "schemas/t/v1.json": openSchema,
      "schemas/u/v1.json": openSchema,
      "schemas/strict/v1.json": { type: "object", minProperties: 1 },
      "schemas/others/v1.json": openSchema,
    });
  });

  test.each<[string, string[], string[], string[], string[]]>([
    ["of several topics is an event of each", ["t", "private-u"], ["t", "u"], [], []],
    ["of several channels of one topic is one event", ["t", "private-t", "presence-t"], ["t"], [], []],
    [
      "of a channel that is no topic is ignored there",
      ["t", "news", "private-encrypted-news"],
      ["t"],
      [],
      ["news", "private-encrypted-news"],
    ],
    [
      "of an encrypted channel is rejected there",
      ["u", "private-encrypted-t"],
      ["u"],
      ["encrypted_channel"],
      [],
    ],
    ["that fits one topic and not the other is both", ["t", "strict"], ["t"], ["schema_violation"], []],
    [
      "of a source that is no producer is rejected there",
      ["t", "others"],
      ["t"],
      ["producer_not_listed"],
      [],
    ],
    [
      "of several channels of a topic it does not fit is one reject",
      ["strict", "private-strict"],
      [],
      ["schema_violation"],
      [],
    ],
    ["has one prefix of its channel stripped", ["private-private-t"], [], [], ["private-private-t"]],
    ["of no channel is nothing", [], [], [], []],
  ])("%s", (_, channels, topics, codes, ignored) => {
    const outcome = normalizeBroadcast(broadcast({ channels }), registry);
    expect(outcome.events.map(({ topic }) => topic)).toEqual(topics);
    expect(outcome.rejects.map(({ code }) => code)).toEqual(codes);
    expect(outcome.ignored).toEqual(ignored);
  });

  test("keeps its id on every topic", () => {
    const { events } = normalizeBroadcast(broadcast({ channels: ["t", "u"] }), registry);
    expect(events.map(({ id, source }) => [id, source])).toEqual([
      ["e1", "hms-api"],
      ["e1", "hms-api"],
    ]);
  });

  test("that is broken is rejected for its topics and still ignored for the rest", () => {
    const outcome = normalizeBroadcast(broadcast({ channels: ["t", "news"], data: "{" }), registry);
    expect(outcome).toMatchObject({
      events: [],
      rejects: [{ code: "malformed_json", channel: "t", topic: "t" }],
      ignored: ["news"],
    });
  });
});
