import {
  DraftArray,
  type DraftMember,
  DraftObject,
  type DraftValue,
  openMember,
  openValue,
} from "./json-draft.js";

// Ways through a payload by the reference tokens of a JSON Pointer; on an array, `*` is every element. Answers are
// what is wrong, or undefined.

/** What is done to each object that holds the member a path names. */
export type Visit = (object: DraftObject) => string | undefined;

/** Visits every object at `path`; where the path leads nowhere, nothing is done. */
export function eachObject(
  value: DraftValue,
  path: readonly string[],
  at: number,
  visit: Visit,
): string | undefined {
  return eachValue(value, path, at, (inner) => (inner instanceof DraftObject ? visit(inner) : undefined));
}

export function eachValue(
  value: DraftValue,
  path: readonly string[],
  at: number,
  visit: (value: DraftValue) => string | undefined,
): string | undefined {
  if (at === path.length) return visit(value);
  const token = path[at]!;
  if (value instanceof DraftObject) {
    const member = value.find(token);
    return member === undefined ? undefined : eachValue(openMember(member), path, at + 1, visit);
  }
  if (!(value instanceof DraftArray)) return undefined;
  for (const index of indexesOf(value, token)) {
    const problem = eachValue(openElement(value, index), path, at + 1, visit);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** Visits every object at `path`, and makes the objects that are missing on the way. */
export function makeObjects(
  value: DraftValue,
  path: readonly string[],
  at: number,
  pointer: string,
  visit: Visit,
): string | undefined {
  if (value instanceof DraftObject) {
    if (at === path.length) return visit(value);
    const token = path[at]!;
    if (value.find(token) === undefined) value.add(token, new DraftObject());
    return makeObjects(openMember(value.find(token)!), path, at + 1, pointer, visit);
  }
  const indexes = value instanceof DraftArray && at < path.length ? indexesOf(value, path[at]!) : undefined;
  if (indexes === undefined || (indexes.length === 0 && path[at] !== "*")) {
    return `${pointer} cannot be written: ${placeOf(path.slice(0, at))} is no object`;
  }
  for (const index of indexes) {
    const problem = makeObjects(openElement(value as DraftArray, index), path, at + 1, pointer, visit);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** Answers whether every value at `path` could be replaced. */
export function replaceEach(
  value: DraftValue,
  path: readonly string[],
  at: number,
  replace: (value: DraftValue) => DraftValue | undefined,
): boolean {
  const token = path[at]!;
  const last = at === path.length - 1;
  if (value instanceof DraftObject) {
    const member = value.find(token);
    if (member === undefined) return true;
    if (!last) return replaceEach(openMember(member), path, at + 1, replace);
    const replaced = replace(member.value);
    member.value = replaced ?? member.value;
    return replaced !== undefined;
  }
  if (!(value instanceof DraftArray)) return true;
  return indexesOf(value, token).every((index) => {
    if (!last) return replaceEach(openElement(value, index), path, at + 1, replace);
    const replaced = replace(value.elements[index]!);
    value.elements[index] = replaced ?? value.elements[index]!;
    return replaced !== undefined;
  });
}

export interface Stop {
  readonly object: DraftObject;
  readonly member: DraftMember;
}

/** The members on the way to a value, the value's own last; undefined when the way ends before. */
export function wayTo(root: DraftValue, path: readonly string[]): Stop[] | undefined {
  const way: Stop[] = [];
  let value = root;
  for (const [at, token] of path.entries()) {
    if (value instanceof DraftArray) {
      const [index] = indexesOf(value, token);
      if (index === undefined || at === path.length - 1) return undefined;
      value = openElement(value, index);
      way.length = 0; // an element stays in its array, even an empty one
      continue;
    }
    if (!(value instanceof DraftObject)) return undefined;
    const member = value.find(token);
    if (member === undefined) return undefined;
    way.push({ object: value, member });
    if (at < path.length - 1) value = openMember(member);
  }
  return way;
}

/** Takes the last member out, and the objects that this leaves empty. */
export function takeOut(way: readonly Stop[]): void {
  for (const { object, member } of way.toReversed()) {
    object.remove(member);
    if (object.members.length > 0) return;
  }
}

function indexesOf({ elements }: DraftArray, token: string): number[] {
  if (token === "*") return [...elements.keys()];
  return /^(0|[1-9]\d{0,9})$/.test(token) && Number(token) < elements.length ? [Number(token)] : [];
}

function openElement({ elements }: DraftArray, index: number): DraftValue {
  elements[index] = openValue(elements[index]!);
  return elements[index]!;
}

function placeOf(path: readonly string[]): string {
  return path.length === 0
    ? "the payload"
    : path.map((token) => `/${token.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}
