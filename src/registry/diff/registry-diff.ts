import { isDeepStrictEqual } from "node:util";
import type { Registry } from "../types.js";
import type { BusFacts, Notice, RegistryDiff, SchemaDiff } from "./report.js";
import { schemaDiffs, transitiveOf } from "./schema-diffs.js";
import { topicAdded, topicNotices, topicRemoved } from "./topic-notices.js";
import type { CompatibilityClass } from "./types.js";

/**
 * What it does to put `newer` in the place of `older`: for people and for CI. `bus` is what a bus that runs by the older
 * one says; without it, what depends on owed events is told with less certainty, or as breaking where that could lose
 * a promise.
 */
export function diffRegistries(older: Registry, newer: Registry, bus?: BusFacts): RegistryDiff {
  const notices: Notice[] = [];
  const schemas: SchemaDiff[] = [];
  const transitive = new Map<string, CompatibilityClass>();
  for (const topic of newer.topics.values()) {
    const before = older.topics.get(topic.name);
    if (before === undefined) notices.push(...topicAdded(topic, bus));
    else {
      notices.push(...topicNotices(before, topic, bus));
      const diffs = schemaDiffs(before, topic, bus);
      schemas.push(...diffs);
      const whole = transitiveOf(diffs);
      if (whole !== undefined) transitive.set(topic.name, whole);
    }
  }
  const gone = [...older.topics.values()].filter(({ name }) => !newer.topics.has(name));
  notices.push(...gone.flatMap((topic) => topicRemoved(topic, bus)), ...systemNotices(older, newer));
  return { notices, schemas, transitive };
}

/** Whether the change is to be refused. */
export function breaksSomebody({ notices }: RegistryDiff): boolean {
  return notices.some(({ level }) => level === "breaks");
}

/** What `$systems` says otherwise of systems that stay. */
function systemNotices(older: Registry, newer: Registry): Notice[] {
  const staying = [...newer.systems].filter((name) => older.systems.has(name)).toSorted();
  return staying.flatMap((name) => [
    ...timezoneChange(older, newer, name),
    ...limitChange(older, newer, name),
  ]);
}

function timezoneChange(older: Registry, newer: Registry, name: string): Notice[] {
  const [before, after] = [older.timezoneOf(name), newer.timezoneOf(name)];
  if (before === after) return [];
  const own = "the time zone it says itself";
  const text = `times of ${name} without an offset are read in ${after ?? own} instead of ${before ?? own}`;
  return [{ level: "warning", code: "timezone_changed", systems: [name], text }];
}

function limitChange(older: Registry, newer: Registry, name: string): Notice[] {
  const [before, after] = [older.limitsOf(name), newer.limitsOf(name)];
  if (isDeepStrictEqual(before, after)) return [];
  const text = `limits of ${name} are ${inWords(after)} instead of ${inWords(before)}`;
  return [{ level: "change", code: "limits_changed", systems: [name], text }];
}

function inWords({ rate, bodyLimit }: ReturnType<Registry["limitsOf"]>): string {
  const parts = [
    rate === undefined ? "" : `${rate} events/s`,
    bodyLimit === undefined ? "" : `bodies of ${bodyLimit} bytes`,
  ];
  return parts.filter(Boolean).join(" and ") || "those of the bus";
}
