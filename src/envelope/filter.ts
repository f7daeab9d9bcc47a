import { checkOperators, compileOperators, isOperator } from "./filter-operators.js";
import { pointerPath } from "./schema-merge.js";

/** A consumer's filter as topics.yaml has it, after it was checked. */
export interface Filter {
  readonly [fieldOrOperator: string]: unknown;
}

/** Something wrong in a filter; `path` leads to it through the filter's keys and list indexes. */
export interface FilterProblem {
  readonly path: readonly string[];
  /** Names the value and the remedy. */
  readonly message: string;
}

/** A field that a filter looks at. */
export interface FilterField {
  /** Where the filter names it. */
  readonly path: readonly string[];
  /** Reference tokens of the payload's field. */
  readonly field: readonly string[];
}

type Matches = (payload: unknown) => boolean;

/** Deepest nesting of `$and`, `$or` and `$not`, and most conditions of one filter. */
const maxDepth = 8;
const maxConditions = 100;

/** Everything that is wrong with a filter; empty when it can be compiled. */
export function checkFilter(value: unknown): FilterProblem[] {
  const check: Check = { problems: [], conditions: 0 };
  checkObject(value, [], 1, check);
  if (check.conditions > maxConditions) {
    const message = `the filter has ${check.conditions} conditions, and ${maxConditions} are the most; use $in, or another topic`;
    check.problems.push({ path: [], message });
  }
  return check.problems;
}

/** The fields that a checked filter looks at, each where it is named. */
export function filterFields(filter: Filter): FilterField[] {
  return Object.entries(filter).flatMap(([key, value]) => {
    if (!key.startsWith("$")) return [{ path: [key], field: fieldPath(key)! }];
    if (key === "$not") return under([key], filterFields(value as Filter));
    return (value as Filter[]).flatMap((inner, index) => under([key, String(index)], filterFields(inner)));
  });
}

/**
 * Whether a payload matches a checked filter. Numbers compare with numbers and text with text (by UTF-16 code units),
 * never across; a field that is not there matches only `$exists: false`, `$ne` and `$not`.
 */
export function compileFilter(filter: Filter): Matches {
  return all(Object.entries(filter).map(([key, value]) => compileEntry(key, value)));
}

function compileEntry(key: string, value: unknown): Matches {
  if (key === "$and") return all((value as Filter[]).map(compileFilter));
  if (key === "$or") return any((value as Filter[]).map(compileFilter));
  if (key === "$not") return not(compileFilter(value as Filter));
  const path = fieldPath(key)!;
  const test = compileOperators(value);
  const [name] = path;
  if (path.length === 1 && name !== undefined) return (payload) => test(memberOf(payload, name));
  return (payload) => test(path.reduce(memberOf, payload));
}

function all(tests: readonly Matches[]): Matches {
  return tests.length === 1 ? tests[0]! : (payload) => tests.every((test) => test(payload));
}

function any(tests: readonly Matches[]): Matches {
  return (payload) => tests.some((test) => test(payload));
}

function not(test: Matches): Matches {
  return (payload) => !test(payload);
}

/** A member of an object or element of an array; undefined when there is none. */
function memberOf(value: unknown, token: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  if (Array.isArray(value) && !/^(0|[1-9]\d*)$/.test(token)) return undefined;
  return Object.hasOwn(value, token) ? (value as Record<string, unknown>)[token] : undefined;
}

/** A key that begins with `/` is a JSON Pointer, another one is the name of a member. */
function fieldPath(key: string): string[] | undefined {
  return key.startsWith("/") ? pointerPath(key) : [key];
}

function under(path: readonly string[], fields: readonly FilterField[]): FilterField[] {
  return fields.map((inner) => ({ ...inner, path: [...path, ...inner.path] }));
}

interface Check {
  readonly problems: FilterProblem[];
  conditions: number;
}

function checkObject(value: unknown, path: readonly string[], depth: number, check: Check): void {
  const say = (message: string) => check.problems.push({ path, message });
  if (depth > maxDepth) {
    say(`the filter nests deeper than ${maxDepth} levels; write it flatter`);
  } else if (typeof value !== "object" || value === null || Array.isArray(value)) {
    say(`${shown(value)} is no filter; write fields with what they must be, like {newStatus: Completed}`);
  } else if (Object.keys(value).length === 0) {
    say("the filter has no condition; write one, like {newStatus: Completed}, or leave the filter out");
  } else {
    for (const [key, inner] of Object.entries(value)) checkEntry(key, inner, [...path, key], depth, check);
  }
}

function checkEntry(key: string, value: unknown, path: readonly string[], depth: number, check: Check): void {
  const say = (message: string) => check.problems.push({ path, message });
  if (key === "$not") {
    checkObject(value, path, depth + 1, check);
  } else if (key === "$and" || key === "$or") {
    if (!Array.isArray(value) || value.length === 0) {
      say(`${key} ${shown(value)} is no list of filters; write one like ${key}: [{newStatus: Completed}]`);
      return;
    }
    for (const [index, inner] of value.entries())
      checkObject(inner, [...path, String(index)], depth + 1, check);
  } else if (key.startsWith("$")) {
    say(
      isOperator(key)
        ? `${key} stands where a field is expected; write the field first, like {newStatus: {${key}: …}}`
        : `${shown(key)} is no operator; known here are $and, $or and $not, and a field of that name is written "/${key}"`,
    );
  } else if (fieldPath(key) === undefined) {
    say(`${shown(key)} is no JSON Pointer; write ~0 for ~ and ~1 for / inside a name`);
  } else {
    const { conditions, problems } = checkOperators(value);
    check.conditions += conditions;
    for (const problem of problems) {
      check.problems.push({ path: [...path, ...problem.path], message: problem.message });
    }
  }
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
