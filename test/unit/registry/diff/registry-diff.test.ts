import { describe, expect, test } from "vitest";
import { breaksSomebody, diffRegistries } from "../../../../src/registry/diff/registry-diff.js";
import type { BusFacts, DeliveryFacts, RegistryDiff } from "../../../../src/registry/diff/report.js";
import { entry, type RegistryFiles, registryOf } from "../write-registry.js";

type Lines = Record<string, string>;

const object = (properties: object, required: string[] = []) => ({ type: "object", properties, required });
const text = { type: "string" };
const v1 = object({ id: text, by: text }, ["by"]);
const renamed = object({ id: text, inspector: text }, ["inspector"]);
const up = "up:\n  - rename: {from: /by, to: inspector}\n";
const down = "down:\n  - rename: {from: /inspector, to: by}\n";
const example = "{v1: {by: x}, v2: {inspector: x}}";
const casts = `${up}${down}examples:\n  - ${example}\n`;

function files(lines: Lines, more: RegistryFiles = {}): RegistryFiles {
  return { "topics.yaml": entry("t", lines), "schemas/t/v1.json": v1, ...more };
}
const withV2 = (lines: Lines, schema: object, more: RegistryFiles = {}) =>
  files({ schema: "v2", ...lines }, { "schemas/t/v2.json": schema, ...more });

/** A bus on which topic t owes what is given. */
function bus(consumers: Record<string, Partial<DeliveryFacts>>, kept = 7): BusFacts {
  const facts = Object.entries(consumers).map(
    ([name, one]) => [name, { owed: 0, open: 0, version: 1, handedOutTo: 0, ...one }] as const,
  );
  return { now: 1_000_000_000, topics: new Map([["t", { kept, consumers: new Map(facts) }]]) };
}

async function diffOf(older: RegistryFiles, newer: RegistryFiles, facts?: BusFacts): Promise<RegistryDiff> {
  return diffRegistries(await registryOf(older), await registryOf(newer), facts);
}

/** `level code systems: text`, in the order they are told. */
function said({ notices }: RegistryDiff): string[] {
  return notices.map(({ level, code, systems, text }) => `${level} ${code} [${systems.join()}] ${text}`);
}

test("a file that says the same in other words is no difference", async () => {
  const diff = await diffOf(files({}), files({ retention: "168h", producers: "[{name: hms-api}]" }));
  expect(diff).toEqual({ notices: [], schemas: [], transitive: new Map() });
});

describe("a new version", () => {
  test("that only adds optional fields breaks nobody", async () => {
    const diff = await diffOf(files({}), withV2({}, object({ id: text, by: text, note: text }, ["by"])));
    expect(breaksSomebody(diff)).toBe(false);
    expect(diff.schemas).toMatchObject([{ from: 1, to: 2, class: "FORWARD", casts: [] }]);
    expect(diff.schemas[0]!.consumers).toEqual([{ name: "city-health", version: 1 }]);
  });

  test("with a renamed field breaks whoever stays with the old one, unless casts lead there", async () => {
    const broken = await diffOf(files({}), withV2({}, renamed));
    expect(said(broken)).toContain(
      "breaks version_unreachable [city-health] city-health (v1) cannot be given events of v2: /by is no longer required",
    );
    const cast = await diffOf(files({}), withV2({}, renamed, { "schemas/t/v2.casts.yaml": casts }));
    expect(breaksSomebody(cast)).toBe(false);
    expect(cast.schemas).toMatchObject([{ class: "BREAKING", casts: ["up", "down"] }]);
    expect(cast.transitive).toEqual(new Map([["t", "BREAKING"]]));
  });

  test("needs the way up to it for what is in the window", async () => {
    const facts = bus({ "city-health": { version: 2 } });
    expect(said(await diffOf(files({}), withV2({}, renamed), facts))).toContainEqual(
      expect.stringMatching(
        /^breaks version_unreachable \[city-health\] .*\(v2\) cannot be given events of v1: /,
      ),
    );
  });

  test("that a consumer goes over to is told", async () => {
    const pinned = { consumers: "[{name: city-health, version: v2}]" };
    const diff = await diffOf(files({}), withV2(pinned, renamed, { "schemas/t/v2.casts.yaml": casts }));
    expect(said(diff)).toContain(
      "warning consumer_version [city-health] city-health is given v2 instead of v1, for what it is owed too",
    );
  });

  test("whose casts lead one way only breaks who needs the other", async () => {
    const oneWay = `${up}examples:\n  - {v1: {by: x}, v2: {inspector: x}, only: up}\n`;
    const diff = await diffOf(files({}), withV2({}, renamed, { "schemas/t/v2.casts.yaml": oneWay }));
    expect(said(diff)).toContain(
      "breaks version_unreachable [city-health] city-health (v1) cannot be given events of v2: v2.casts.yaml has no steps for down",
    );
  });

  test("that old payloads pass as, though a cast moves their fields, asks to pin the producer", async () => {
    const loose = object({ id: text, inspector: text });
    const more = { "schemas/t/v2.casts.yaml": casts };
    const warned = (diff: RegistryDiff) =>
      diff.notices.filter(({ code }) => code === "old_payloads_may_pass");
    const optional = await diffOf(files({}), withV2({}, loose, more));
    expect(warned(optional)).toMatchObject([
      {
        level: "warning",
        systems: ["hms-api"],
        remedy: expect.stringContaining("{name: hms-api, version: v1}"),
      },
    ]);
    expect(warned(await diffOf(files({}), withV2({}, renamed, more)))).toEqual([]);
    const pinned = withV2({ producers: "[{name: hms-api, version: v1}]" }, loose, more);
    expect(warned(await diffOf(files({}), pinned))).toEqual([]);
  });

  test("that renames a field without a cast warns of the consumers that would miss it without a word", async () => {
    const loose = { "schemas/t/v1.json": object({ id: text, by: text }) };
    const inspector = object({ id: text, inspector: text });
    const lost = (diff: RegistryDiff) => said(diff).filter((line) => line.includes("fields_lost"));
    expect(lost(await diffOf(files({}, loose), withV2({}, inspector, loose)))).toEqual([
      "warning fields_lost [city-health] city-health (v1) gets no /by of events of v2: v2 has no such field, and no cast makes it",
    ]);
    const cast = { ...loose, "schemas/t/v2.casts.yaml": casts };
    expect(lost(await diffOf(files({}, loose), withV2({}, inspector, cast)))).toEqual([]);
    const followed = withV2({ consumers: "[{name: city-health, version: v2}]" }, inspector, loose);
    expect(lost(await diffOf(files({}, loose), followed))).toEqual([]);
  });

  test("is compared with every listed version", async () => {
    const older = withV2({ consumers: "[{name: city-health, version: v2}]" }, v1);
    const newer = { ...older, "schemas/t/v3.json": object({ id: text, by: text, more: text }, ["by"]) };
    const diff = await diffOf(older, {
      ...newer,
      "topics.yaml": older["topics.yaml"]!.toString().replace("v2", "v3"),
    });
    expect(diff.schemas.map(({ from, to }) => [from, to])).toEqual([
      [1, 3],
      [2, 3],
    ]);
    expect(diff.transitive).toEqual(new Map([["t", "FORWARD"]]));
  });
});

describe("a listed version", () => {
  test("that is narrowed in place breaks its producers, one that is widened its consumers", async () => {
    const narrow = { ...v1, required: ["by", "id"] };
    const narrowed = await diffOf(files({}), files({}, { "schemas/t/v1.json": narrow }));
    expect(said(narrowed)).toContainEqual(
      expect.stringMatching(
        /^breaks schema_changed_in_place \[hms-api\] v1 is changed in place: \/id becomes required/,
      ),
    );
    const widened = await diffOf(files({}, { "schemas/t/v1.json": narrow }), files({}));
    expect(said(widened)).toContainEqual(
      expect.stringMatching(/^breaks schema_changed_in_place \[city-health\] /),
    );
  });

  test("that gets a description only is shown and breaks nothing", async () => {
    const described = object({ id: text, by: { ...text, description: "who" } }, ["by"]);
    const diff = await diffOf(files({}), files({}, { "schemas/t/v1.json": described }));
    expect(diff.notices).toEqual([]);
    expect(diff.schemas).toMatchObject([{ class: "FULL", changes: [{ path: "/by", breaks: "none" }] }]);
  });

  test("that goes away under a consumer that is given it breaks that one", async () => {
    const older = withV2({}, v1);
    const { "schemas/t/v1.json": _, ...newer } = older;
    const facts = bus({ "city-health": { version: 1 } });
    expect(said(await diffOf(older, newer, facts))).toContain(
      "breaks version_removed [city-health] v1 is no longer listed: city-health still uses it",
    );
    expect(breaksSomebody(await diffOf(older, newer))).toBe(false); // without a bus it counts as given v2
  });
});

describe("QoS", () => {
  const change = (facts?: BusFacts) => diffOf(files({}), files({ qos: "at_least_once" }), facts);

  test.each([
    ["breaks", "events are owed", bus({ "city-health": { owed: 3 } })],
    ["breaks", "no bus says what is owed", undefined],
    ["warning", "nothing is owed", bus({ "city-health": {} })],
  ])("%s when %s", async (level, _, facts) => {
    const { notices } = await change(facts);
    expect(notices).toMatchObject([{ level, code: "qos_changed" }]);
    if (level === "breaks") expect(notices[0]!.remedy).toContain("make a new topic");
  });
});

describe("retention", () => {
  const day = 86_400_000;
  const shrink = (facts?: BusFacts) => diffOf(files({}), files({ retention: "1d" }), facts);

  test.each([
    ["breaks", "owed events reach further back", { owed: 3, open: 1, handedOutTo: 1_000_000_000 - 2 * day }],
    ["warning", "owed events are young", { owed: 3, open: 1, handedOutTo: 1_000_000_000 - day / 2 }],
    ["warning", "nothing is owed", { owed: 0 }],
  ])("%s when it shrinks and %s", async (level, _, delivery) => {
    expect((await shrink(bus({ "city-health": delivery }))).notices).toMatchObject([
      { level, code: "retention_changed" },
    ]);
  });

  test("that shrinks without a bus is a warning, and one that grows a change", async () => {
    expect(said(await shrink())).toEqual([
      "warning retention_changed [] is kept 1d instead of 7d; no bus says whether somebody is owed older events",
    ]);
    expect(said(await diffOf(files({}), files({ retention: "30d" })))).toEqual([
      "change retention_changed [] is kept 30d instead of 7d",
    ]);
  });
});

describe("consumers", () => {
  const both = { consumers: "[city-health, {name: ehr, start: window}]" };

  test("that come are told what they are sent at their start", async () => {
    expect(said(await diffOf(files({}), files(both), bus({ "city-health": {} }, 42)))).toEqual([
      "change consumer_added [ehr] ehr is a new consumer, given v1: at its start it is sent the 42 events in the window, oldest first",
    ]);
    expect(said(await diffOf(files({}), files(both)))[0]).toContain("is sent everything in the window");
    const now = files({ consumers: "[city-health, {name: ehr, start: now, filter: {id: x}}]" });
    expect(said(await diffOf(files({}), now))[0]).toContain(
      "starts with the next event, as far as its filter",
    );
  });

  test("that go are told with what they are still owed", async () => {
    const facts = bus({ "city-health": {}, ehr: { owed: 5 } });
    expect(said(await diffOf(files(both), files({}), facts))).toEqual([
      "warning consumer_removed [ehr] ehr is no longer a consumer: it is still owed 5 events, which are kept",
    ]);
  });

  test("that get another filter, order, pin or option are told", async () => {
    const before = files({ key: "/id", consumers: "[city-health]" });
    const after = files({
      key: "/id",
      consumers: "[{name: city-health, version: v1, order: key, max_in_flight: 5, filter: {id: x}}]",
    });
    expect(said(await diffOf(before, after)).map((line) => line.split(" ").slice(0, 2).join(" "))).toEqual([
      "change consumer_pinned",
      "warning consumer_filter",
      "change consumer_order",
      "change consumer_options",
    ]);
  });
});

test("topics, producers, keys and time zones that change are told", async () => {
  const older = files({ producers: "[hms-api, old]" });
  const newer: RegistryFiles = {
    ...files({ producers: "[hms-api, new]", key: "/id" }),
    "schemas/u/v1.json": v1,
  };
  newer["topics.yaml"] =
    `$systems: {hms-api: {timezone: UTC, rate: 5/s}}\n${newer["topics.yaml"]}${entry("u")}`;
  expect(said(await diffOf(older, newer)).map((line) => line.split(" ").slice(0, 3).join(" "))).toEqual([
    "change producer_added [new]",
    "warning producer_removed [old]",
    "warning key_changed []",
    "change topic_added [hms-api]",
    "change consumer_added [city-health]",
    "warning timezone_changed [hms-api]",
    "change limits_changed [hms-api]",
  ]);
  expect(said(await diffOf(newer, older)).at(-3)).toContain("consumer_removed");
});
