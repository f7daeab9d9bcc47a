import type { FilterProblem } from "./filter.js";

/** Most values of one `$in`. */
const maxValues = 1_000;

type Scalar = string | number | boolean | null;
/** Tests the value of a field; undefined when the field is not there. */
type Test = (value: unknown) => boolean;

interface Operator {
  /** What the operand must be, for a message; undefined when `value` is such a one. */
  misfit(operand: unknown): string | undefined;
  compile(operand: unknown): Test;
}

const operators: Readonly<Record<string, Operator>> = {
  $eq: { misfit: scalarMisfit, compile: (operand) => (value) => value === operand },
  $ne: { misfit: scalarMisfit, compile: (operand) => (value) => value !== operand },
  $in: { misfit: listMisfit, compile: compileIn },
  $gt: { misfit: orderedMisfit, compile: ordered((value, operand) => value > operand) },
  $gte: { misfit: orderedMisfit, compile: ordered((value, operand) => value >= operand) },
  $lt: { misfit: orderedMisfit, compile: ordered((value, operand) => value < operand) },
  $lte: { misfit: orderedMisfit, compile: ordered((value, operand) => value <= operand) },
  $exists: {
    misfit: (operand) => (typeof operand === "boolean" ? undefined : "true or false"),
    compile: (operand) => (value) => (value !== undefined) === operand,
  },
  $startsWith: {
    misfit: (operand) => (typeof operand === "string" ? undefined : 'a text, like "606"'),
    compile: (operand) => (value) => typeof value === "string" && value.startsWith(operand as string),
  },
};

export function isOperator(name: string): boolean {
  return Object.hasOwn(operators, name);
}

/** Checks what a filter says of one field; paths begin below the field. */
export function checkOperators(value: unknown): { conditions: number; problems: FilterProblem[] } {
  if (typeof value !== "object" || value === null) {
    const misfit = scalarMisfit(value);
    const problems = misfit === undefined ? [] : [{ path: [], message: `${shown(value)} is not ${misfit}` }];
    return { conditions: 1, problems };
  }
  if (Array.isArray(value)) {
    const message = `${shown(value)} is a list; write {$in: [...]} when any of them will do`;
    return { conditions: 1, problems: [{ path: [], message }] };
  }
  const entries = Object.entries(value);
  if (entries.length === 0) {
    const message = "the field has no condition; write a value or an operator, like {$exists: true}";
    return { conditions: 1, problems: [{ path: [], message }] };
  }
  return {
    conditions: entries.length,
    problems: entries.flatMap(([name, operand]) => problemOf(name, operand)),
  };
}

/** The test that a checked value or map of operators asks of a field. */
export function compileOperators(value: unknown): Test {
  if (typeof value !== "object" || value === null) return operators.$eq!.compile(value);
  const tests = Object.entries(value).map(([name, operand]) => operators[name]!.compile(operand));
  return tests.length === 1 ? tests[0]! : (field) => tests.every((test) => test(field));
}

function problemOf(name: string, operand: unknown): FilterProblem[] {
  const known = Object.keys(operators).join(", ");
  if (!isOperator(name)) {
    const remedy =
      name === "$not"
        ? "write {$not: {field: …}} around the field"
        : `known are ${known}; a field inside an object is written "/outer/inner"`;
    return [{ path: [name], message: `${shown(name)} is no operator; ${remedy}` }];
  }
  const misfit = operators[name]!.misfit(operand);
  return misfit === undefined
    ? []
    : [{ path: [name], message: `${name} ${shown(operand)} is not ${misfit}` }];
}

function compileIn(operand: unknown): Test {
  const values = new Set(operand as Scalar[]);
  return (value) => values.has(value as Scalar);
}

function ordered(
  compare: (value: string | number, operand: string | number) => boolean,
): (operand: unknown) => Test {
  return (operand) => (value) =>
    typeof value === typeof operand && compare(value as string | number, operand as string | number);
}

function scalarMisfit(operand: unknown): string | undefined {
  if (typeof operand === "number") return numberMisfit(operand);
  const scalar = operand === null || typeof operand === "string" || typeof operand === "boolean";
  return scalar ? undefined : "one value; write a text, a number, true, false or null";
}

function orderedMisfit(operand: unknown): string | undefined {
  if (typeof operand === "number") return numberMisfit(operand);
  return typeof operand === "string" ? undefined : "a number or a text";
}

/** Beyond 2^53 JavaScript's numbers are no longer all integers: neighbours would match, too. */
function numberMisfit(operand: number): string | undefined {
  if (!Number.isFinite(operand)) return "a number of JSON; write one with digits";
  const exact = !Number.isInteger(operand) || Number.isSafeInteger(operand);
  return exact ? undefined : "exact: integers are compared up to 9007199254740991; send such ids as text";
}

function listMisfit(operand: unknown): string | undefined {
  if (!Array.isArray(operand) || operand.length === 0) return "a list of values, like [Completed, Closed]";
  if (operand.length > maxValues) return `at most ${maxValues} values long; use another topic or a range`;
  const misfit = operand.map(scalarMisfit).find((found) => found !== undefined);
  return misfit && `a list of single values: one of them is not ${misfit}`;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
