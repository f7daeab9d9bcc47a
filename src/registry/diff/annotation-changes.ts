import type { JsonSchema } from "../../envelope/schema-merge.js";
import { pointerOf } from "../subschemas.js";
import { Conjunction } from "./conjunction.js";
import { equal } from "./same.js";
import type { Change } from "./types.js";

/** Places that are looked at; a schema that contains itself has no end of them. */
const maxPlaces = 2_000;
const maxDepth = 12;

interface Pair {
  readonly older: Conjunction;
  readonly newer: Conjunction;
  readonly path: readonly string[];
}

/** What differs without refusing a payload: members that came or went, and what is said about them. */
export function annotationChanges(older: JsonSchema, newer: JsonSchema): Change[] {
  const changes: Change[] = [];
  const waiting: Pair[] = [
    { older: new Conjunction([older], older), newer: new Conjunction([newer], newer), path: [] },
  ];
  for (let seen = 0; seen < maxPlaces; seen++) {
    const pair = waiting.shift();
    if (pair === undefined) break;
    changes.push(...changesAt(pair));
    if (pair.path.length < maxDepth) waiting.push(...inside(pair));
  }
  return changes;
}

function changesAt({ older, newer, path }: Pair): Change[] {
  const [before, after] = [older.names(), newer.names()];
  const added = [...after].filter((name) => !before.has(name));
  const gone = [...before].filter((name) => !after.has(name));
  return [
    ...["title", "description", "default", "deprecated"].flatMap((keyword) => {
      const what = difference(older.all(keyword)[0], newer.all(keyword)[0]);
      return what === undefined ? [] : [change(path, `${keyword} ${what}`)];
    }),
    ...added.map((name) => change([...path, name], "is new")),
    ...gone.map((name) => change([...path, name], "is gone")),
  ];
}

function difference(before: unknown, after: unknown): string | undefined {
  if (before === undefined) return after === undefined ? undefined : "is added";
  if (after === undefined) return "is removed";
  return equal(before, after) ? undefined : "changes";
}

function change(path: readonly string[], what: string): Change {
  return { path: pointerOf(path), what, breaks: "none" };
}

/** Members that both describe, and elements. */
function inside({ older, newer, path }: Pair): Pair[] {
  const names = newer.names();
  const members = [...older.names()]
    .filter((name) => names.has(name))
    .map((name) => ({ older: older.member(name), newer: newer.member(name), path: [...path, name] }));
  const isList = older.all("items").length > 0 && newer.all("items").length > 0;
  const [from, to] = [older.prefixLength(), newer.prefixLength()];
  const element = { older: older.element(from), newer: newer.element(to), path: [...path, "*"] };
  return isList ? [...members, element] : members;
}
