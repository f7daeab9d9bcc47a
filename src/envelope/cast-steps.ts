import type { CastStep, ValueMap } from "./cast.js";
import { eachObject, eachValue, makeObjects, replaceEach, takeOut, type Visit, wayTo } from "./cast-paths.js";
import { type DraftValue, headOf } from "./json-draft.js";
import { pointerPath } from "./schema-merge.js";

/** Does one step to a payload; answers what is wrong when it cannot. */
export type Apply = (payload: DraftValue) => string | undefined;

/** One step, ready to be applied to any number of payloads. The step was checked. */
export function compileStep(step: CastStep): Apply {
  if ("rename" in step) return compileRename(step.rename.from, step.rename.to);
  if ("move" in step) return compileMove(step.move.from, step.move.to);
  if ("set" in step) return compileSet(step.set.path, step.set.value);
  if ("default" in step) return compileDefault(step.default.path, step.default.value);
  if ("drop" in step) return compileDrop(step.drop);
  return compileMap(step.map);
}

/**
 * What two paths of a move have in common up to the last `*`: the move happens inside each value there. Undefined when
 * one of them has a `*` that the other has not at the same place.
 */
export function sharedElements(from: readonly string[], to: readonly string[]): number | undefined {
  const shared = from.lastIndexOf("*") + 1;
  const same =
    to.lastIndexOf("*") + 1 === shared && from.slice(0, shared).every((token, at) => token === to[at]);
  return same ? shared : undefined;
}

function compileRename(pointer: string, to: string): Apply {
  const { path, name } = split(pointer);
  const head = headOf(to);
  return (payload) =>
    eachObject(payload, path, 0, (object) => {
      const member = object.find(name);
      if (member === undefined) return undefined;
      if (object.find(to) !== undefined) {
        return `${pointer} cannot be named ${to}: there is a member of that name already`;
      }
      member.name = to;
      member.head = head;
      return undefined;
    });
}

function compileDrop(pointer: string): Apply {
  const { path, name } = split(pointer);
  return (payload) =>
    eachObject(payload, path, 0, (object) => {
      const member = object.find(name);
      if (member !== undefined) object.remove(member);
      return undefined;
    });
}

function compileDefault(pointer: string, value: unknown): Apply {
  const { path, name } = split(pointer);
  const text = JSON.stringify(value);
  return (payload) =>
    eachObject(payload, path, 0, (object) => {
      if (object.find(name) === undefined) object.add(name, text);
      return undefined;
    });
}

function compileSet(pointer: string, value: unknown): Apply {
  const { path, name } = split(pointer);
  const text = JSON.stringify(value);
  const visit: Visit = (object) => {
    const member = object.find(name);
    if (member === undefined) object.add(name, text);
    else member.value = text;
    return undefined;
  };
  return (payload) => makeObjects(payload, path, 0, pointer, visit);
}

function compileMove(fromPointer: string, toPointer: string): Apply {
  const from = pointerPath(fromPointer)!;
  const to = pointerPath(toPointer)!;
  const shared = sharedElements(from, to)!;
  const [inFrom, inTo] = [from.slice(shared), to.slice(shared, -1)];
  const name = to.at(-1)!;
  const move = (inside: DraftValue) => {
    const way = wayTo(inside, inFrom);
    const moved = way?.at(-1);
    if (way === undefined || moved === undefined) return undefined;
    const problem = makeObjects(inside, inTo, 0, toPointer, (object) => {
      if (object.find(name) !== undefined)
        return `${fromPointer} cannot move to ${toPointer}: there is a value already`;
      object.add(name, moved.member.value);
      return undefined;
    });
    if (problem === undefined) takeOut(way);
    return problem;
  };
  return (payload) => eachValue(payload, from.slice(0, shared), 0, move);
}

function compileMap({ path: pointer, values, otherwise = "keep" }: ValueMap): Apply {
  const path = pointerPath(pointer)!;
  const texts = new Map(Object.entries(values).map(([key, value]) => [key, JSON.stringify(value)]));
  const other = typeof otherwise === "object" ? JSON.stringify(otherwise.value) : undefined;
  const replace = (value: DraftValue): DraftValue | undefined => {
    const key = mapKey(value);
    const mapped = (key === undefined ? undefined : texts.get(key)) ?? other;
    return mapped ?? (otherwise === "keep" ? value : undefined);
  };
  return (payload) =>
    replaceEach(payload, path, 0, replace) ? undefined : `${pointer} has a value that the map does not name`;
}

/** How `values` of a map writes a scalar: a text without its quotes, a number as short as it can be written. */
function mapKey(value: DraftValue): string | undefined {
  if (typeof value !== "string" || value.startsWith("{") || value.startsWith("[")) return undefined;
  if (value.startsWith('"')) return value.includes("\\") ? (JSON.parse(value) as string) : value.slice(1, -1);
  // A long integer is not rounded to one that looks alike.
  return /\d[.eE]/.test(value) ? String(Number(value)) : value;
}

function split(pointer: string): { path: string[]; name: string } {
  const path = pointerPath(pointer)!;
  return { name: path.pop()!, path };
}
