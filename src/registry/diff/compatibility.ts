import type { JsonSchema } from "../../envelope/schema-merge.js";
import { pointerOf } from "../subschemas.js";
import { annotationChanges } from "./annotation-changes.js";
import { Conjunction } from "./conjunction.js";
import { Containment } from "./containment.js";
import type { Change, CompatibilityClass, Finding, SchemaChange } from "./types.js";
import { inWords } from "./wording.js";

/**
 * How two versions of a payload schema go together: bundled JSON Schemas 2020-12, each `$ref` in them local. The
 * classes are those of Confluent Schema Registry's compatibility types, by what payloads the schemas take; what cannot
 * be decided counts as breaking, and its change says so. A `default` excuses nothing: the bus fills it in when an
 * event comes in, not when it is delivered in another version.
 */
export function classify(older: object, newer: object): SchemaChange {
  const [old, now] = [older as JsonSchema, structuredClone(newer) as JsonSchema]; // no part in common
  const changes = merged(findings(old, now), findings(now, old));
  const told = new Set(changes.map(({ path }) => path));
  const others = annotationChanges(old, now).filter(({ path }) => !told.has(path));
  const all = [...changes, ...others].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  return { class: classOf(all), changes: all };
}

/** Payloads go `up` to a newer version or `down` to an older one. */
export type Direction = "up" | "down";

/** The changes because of which payloads cannot go in that direction as they are; lenient ones only when `strict`. */
export function breaking(change: SchemaChange, direction: Direction, strict = false): readonly Change[] {
  const kind = direction === "up" ? "backward" : "forward";
  return change.changes.filter(
    ({ breaks, lenient }) => (breaks === kind || breaks === "both") && (strict || !lenient),
  );
}

/** The class of a version against several others: what holds against each of them (transitive compatibility). */
export function transitiveClass(changes: readonly SchemaChange[]): CompatibilityClass {
  return classFrom(
    changes.every((change) => isBackward(change.class)),
    changes.every((change) => isForward(change.class)),
  );
}

function isBackward(one: CompatibilityClass): boolean {
  return one === "FULL" || one === "BACKWARD";
}

function isForward(one: CompatibilityClass): boolean {
  return one === "FULL" || one === "FORWARD";
}

function classOf(changes: readonly Change[]): CompatibilityClass {
  const breaks = new Set(changes.map((change) => change.breaks));
  return classFrom(
    !breaks.has("backward") && !breaks.has("both"),
    !breaks.has("forward") && !breaks.has("both"),
  );
}

function classFrom(backward: boolean, forward: boolean): CompatibilityClass {
  if (backward && forward) return "FULL";
  if (backward) return "BACKWARD";
  return forward ? "FORWARD" : "BREAKING";
}

function findings(given: JsonSchema, demanded: JsonSchema): Finding[] {
  const place = { given: new Conjunction([given], given), demanded, root: demanded, path: [] };
  return new Containment().findings(place);
}

/** One change for what breaks both ways at one place by one keyword. */
function merged(backward: readonly Finding[], forward: readonly Finding[]): Change[] {
  const pairs = new Map<string, { backward?: Finding; forward?: Finding }>();
  for (const [kind, list] of [
    ["backward", backward],
    ["forward", forward],
  ] as const) {
    for (const finding of list) {
      const key = `${finding.keyword} ${pointerOf(finding.path)}`;
      const pair = pairs.get(key) ?? {};
      if (pair[kind] === undefined) pairs.set(key, { ...pair, [kind]: finding });
    }
  }
  return [...pairs.values()].map(({ backward: up, forward: down }) => {
    const { path, lenient } = (up ?? down)!;
    return {
      path: pointerOf(path),
      what: inWords(up, down),
      breaks: up && down ? "both" : up ? "backward" : "forward",
      ...(lenient && !(up && down) ? { lenient } : {}),
    };
  });
}
