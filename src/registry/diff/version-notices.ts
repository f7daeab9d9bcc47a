import type { Topic } from "../types.js";
import { breaking, classify } from "./compatibility.js";
import { versionGiven } from "./consumer-versions.js";
import { type Gap, gapsBetween } from "./coverage.js";
import { lostFields } from "./lost-fields.js";
import { mayPassAs } from "./pass-as.js";
import type { BusFacts, Notice } from "./report.js";
import { versionsOf } from "./schema-diffs.js";
import type { Change } from "./types.js";

/** What a topic's change does to the versions that its systems write and are given. */
export function versionNotices(older: Topic, newer: Topic, bus: BusFacts | undefined): Notice[] {
  return [
    ...unreachable(older, newer, bus),
    ...changedInPlace(older, newer, bus),
    ...takenAway(older, newer, bus),
    ...newCurrent(older, newer),
    ...lostFields(older, newer, bus),
    ...changedCasts(older, newer),
  ];
}

/** Consumers of a topic whose version some events cannot be had in. */
export function unreachable(older: Topic | undefined, newer: Topic, bus: BusFacts | undefined): Notice[] {
  const versions = versionsOf(older, newer);
  const found = new Map<
    string,
    { gap: Gap; from: number; to: number; level: Notice["level"]; names: string[] }
  >();
  for (const consumer of newer.consumers) {
    const to = versionGiven(consumer, newer, older, bus);
    for (const from of versions.schemas.keys()) {
      for (const gap of gapsBetween(versions, from, to)) {
        const level = hadGap(older, consumer.name, from, to, bus) ? "warning" : "breaks";
        const key = [level, gap.from, gap.to, from, to].join();
        const known = found.get(key) ?? { gap, from, to, level, names: [] };
        found.set(key, { ...known, names: [...known.names, consumer.name] });
      }
    }
  }
  return [...found.values()].map(({ gap, from, to, level, names }) => ({
    level,
    code: "version_unreachable",
    topic: newer.name,
    systems: names,
    text: `${names.join(", ")} (v${to}) cannot be given events of v${from}: ${reason(gap)}`,
    remedy: castRemedy(newer.name, gap),
  }));
}

/** What was so before is not what this change breaks. */
function hadGap(
  older: Topic | undefined,
  name: string,
  from: number,
  to: number,
  bus: BusFacts | undefined,
): boolean {
  const before = older?.consumers.find((consumer) => consumer.name === name);
  if (older === undefined || before === undefined) return false;
  if (!older.schemas.has(from) || !older.schemas.has(to)) return false;
  if (versionGiven(before, older, older, bus) !== to) return false;
  return gapsBetween(versionsOf(undefined, older), from, to).length > 0;
}

function reason({ from, to, changes, missing }: Gap): string {
  if (missing === "direction")
    return `v${Math.max(from, to)}.casts.yaml has no steps for ${from < to ? "up" : "down"}`;
  if (missing === "schema") return `the schema of v${from} or v${to} is not there to compare`;
  return inWords(changes);
}

function castRemedy(topic: string, { from, to }: Gap): string {
  const file = `schemas/${topic}/v${Math.max(from, to)}.casts.yaml`;
  return `write steps for ${from < to ? "up" : "down"} in ${file} ([] when payloads are to pass as they are)`;
}

/** `/a becomes required; /b is gone`. */
function inWords(changes: readonly Change[]): string {
  return changes.map(({ path, what }) => `${path || "the payload"} ${what}`).join("; ");
}

/** A listed version that means something else now. */
function changedInPlace(older: Topic, newer: Topic, bus: BusFacts | undefined): Notice[] {
  return [...older.schemas].flatMap(([version, { schema }]) => {
    const after = newer.schemas.get(version)?.schema;
    const change = after === undefined ? undefined : classify(schema, after);
    if (change === undefined || change.changes.every(({ breaks }) => breaks === "none")) return [];
    const readers = newer.consumers
      .filter((consumer) => versionGiven(consumer, newer, older, bus) === version)
      .map(({ name }) => name);
    const writers = newer.producers.filter(
      (name) => (newer.producerVersions.get(name) ?? older.version) === version,
    );
    return [
      inPlace(
        newer.name,
        version,
        readers,
        breaking(change, "down", true),
        "are given payloads they do not expect",
      ),
      inPlace(
        newer.name,
        version,
        writers,
        breaking(change, "up", true),
        "send payloads that are rejected from now on",
      ),
    ].flat();
  });
}

function inPlace(
  topic: string,
  version: number,
  systems: readonly string[],
  changes: readonly Change[],
  what: string,
): Notice[] {
  if (changes.length === 0) return [];
  const certain = changes.some(({ lenient }) => !lenient) && systems.length > 0;
  const who = systems.length === 0 ? "nobody is known to use it, but systems that do" : systems.join(", ");
  return [
    {
      level: certain ? "breaks" : "warning",
      code: "schema_changed_in_place",
      topic,
      systems,
      text: `v${version} is changed in place: ${inWords(changes)}; ${who} may ${what.replace(/^are given/, "be given")}`,
      remedy: `leave v${version}.json as it was and write the change as a version of its own`,
    },
  ];
}

/** A version that nobody may send any more. */
function takenAway(older: Topic, newer: Topic, bus: BusFacts | undefined): Notice[] {
  const gone = [...older.schemas.keys()].filter((version) => !newer.schemas.has(version));
  return gone.flatMap((version) => {
    const readers = newer.consumers
      .filter((consumer) => versionGiven(consumer, newer, older, bus) === version)
      .map(({ name }) => name);
    const writers = newer.producers.filter((name) => {
      if (older.producers.includes(name) === false) return false;
      return (
        (older.producerVersions.get(name) ?? older.version) === version && !staysValid(older, newer, version)
      );
    });
    const systems = [...new Set([...readers, ...writers])];
    return [
      {
        level: systems.length > 0 ? ("breaks" as const) : ("warning" as const),
        code: "version_removed",
        topic: newer.name,
        systems,
        text: `v${version} is no longer listed: ${systems.length > 0 ? `${systems.join(", ")} still ${systems.length > 1 ? "use" : "uses"} it` : "events sent in it are rejected from now on"}`,
        remedy: `put schemas/${newer.name}/v${version}.json back until nobody writes it, nobody is given it and the window is past it`,
      },
    ];
  });
}

function staysValid(older: Topic, newer: Topic, version: number): boolean {
  const before = older.schemas.get(version)!.schema;
  return breaking(classify(before, newer.schemas.get(newer.version)!.schema), "up").length === 0;
}

/** Producers that say nothing of a version write the old one until they are changed. */
function newCurrent(older: Topic, newer: Topic): Notice[] {
  if (older.version === newer.version) return [];
  const before = older.schemas.get(older.version)!.schema;
  const after = newer.schemas.get(newer.version)!.schema;
  const silent = newer.producers.filter(
    (name) => !newer.producerVersions.has(name) && older.producers.includes(name),
  );
  const said: Notice = {
    level: "change",
    code: "version_current",
    topic: newer.name,
    systems: [],
    text: `new events are v${newer.version}, no longer v${older.version}; those that fit only an older listed version are taken as that one`,
  };
  const cast = [...newer.casts].some(
    ([version, { steps }]) =>
      version > older.version && version <= newer.version && (steps.up ?? []).some(movesFields),
  );
  if (silent.length === 0 || !cast || !mayPassAs(before, after)) return [said];
  const [first] = silent;
  return [
    said,
    {
      level: "warning",
      code: "old_payloads_may_pass",
      topic: newer.name,
      systems: silent,
      text: `events of ${silent.join(", ")} that are still written as v${older.version} may pass as v${newer.version} as they are, and then no cast moves their fields`,
      remedy: `pin the producer until it writes v${newer.version}: {name: ${first}, version: v${older.version}}`,
    },
  ];
}

function movesFields(step: object): boolean {
  return "rename" in step || "move" in step;
}

function changedCasts(older: Topic, newer: Topic): Notice[] {
  const versions = new Set([...older.casts.keys(), ...newer.casts.keys()]);
  return [...versions].flatMap((version) => {
    const [before, after] = [older.casts.get(version)?.steps, newer.casts.get(version)?.steps];
    if (JSON.stringify(before) === JSON.stringify(after)) return [];
    const directions = Object.keys(after ?? {}).filter((name) => name === "up" || name === "down");
    const what =
      after === undefined
        ? "has no casts any more: payloads pass as they are"
        : `has ${before === undefined ? "casts" : "other casts"} (${directions.join(" and ")})`;
    return [
      {
        level:
          before === undefined || !older.schemas.has(version) ? ("change" as const) : ("warning" as const),
        code: "casts_changed",
        topic: newer.name,
        systems: [],
        text: `v${version} ${what}; replayed events are cast by them too`,
      },
    ];
  });
}
