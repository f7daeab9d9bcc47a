import type { Topic } from "../types.js";
import { classify, transitiveClass } from "./compatibility.js";
import { versionGiven } from "./consumer-versions.js";
import { castsLead, type Versions } from "./coverage.js";
import type { BusFacts, SchemaDiff } from "./report.js";
import type { CompatibilityClass } from "./types.js";

/** The schemas that payloads were or will be written by: what is no longer listed may still be in the window. */
export function versionsOf(older: Topic | undefined, newer: Topic): Versions {
  const listed = [...(older?.schemas ?? []), ...newer.schemas];
  return { schemas: new Map(listed.map(([version, { schema }]) => [version, schema])), casts: newer.casts };
}

/** Versions that were changed in place, and each new version against every version below it. */
export function schemaDiffs(older: Topic, newer: Topic, bus: BusFacts | undefined): SchemaDiff[] {
  const versions = versionsOf(older, newer);
  const given = newer.consumers.map((consumer) => ({
    name: consumer.name,
    version: versionGiven(consumer, newer, older, bus),
  }));
  const compare = (from: number, to: number, before: object, after: object): SchemaDiff => ({
    topic: newer.name,
    from,
    to,
    ...classify(before, after),
    casts: [
      ...(castsLead(versions, from, to) ? ["up" as const] : []),
      ...(castsLead(versions, to, from) ? ["down" as const] : []),
    ],
    consumers: given.filter(({ version }) => version === from || version === to),
  });
  const inPlace = [...older.schemas].flatMap(([version, { schema }]) => {
    const after = newer.schemas.get(version)?.schema;
    if (after === undefined) return [];
    const diff = compare(version, version, schema, after);
    return diff.changes.length === 0 ? [] : [diff];
  });
  const added = [...newer.schemas.keys()].filter((version) => !older.schemas.has(version));
  const fresh = added.flatMap((to) =>
    [...versions.schemas.keys()]
      .filter((from) => from < to)
      .map((from) => compare(from, to, versions.schemas.get(from)!, versions.schemas.get(to)!)),
  );
  return [...inPlace, ...fresh];
}

/** The class of the highest new version against all that are compared with it; undefined when there is none. */
export function transitiveOf(diffs: readonly SchemaDiff[]): CompatibilityClass | undefined {
  const fresh = diffs.filter(({ from, to }) => from !== to);
  const highest = Math.max(...fresh.map(({ to }) => to));
  return fresh.length === 0 ? undefined : transitiveClass(fresh.filter(({ to }) => to === highest));
}
