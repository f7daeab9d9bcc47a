import { Conjunction } from "./conjunction.js";
import type { Demand, Keyword } from "./keywords.js";
import type { Finding } from "./types.js";

/** A finding for the whole keyword. */
export function finding({ place, keyword, value }: Demand, given: unknown): Finding[] {
  return [{ path: place.path, keyword, given, demanded: value }];
}

function check(demand: Demand<string | string[]>): Finding[] {
  const { place, schema } = demand;
  const demanded = new Conjunction([{ type: schema.type, nullable: schema.nullable }], true).types;
  if ([...place.given.types].every((type) => demanded.has(type))) return [];
  return [
    {
      path: place.path,
      keyword: "type",
      given: typeNames(place.given.types),
      demanded: typeNames(demanded),
    },
  ];
}

/** As a schema would write them. */
function typeNames(types: Conjunction["types"]): string[] {
  const names = [...types].filter((type) => type !== "integer" || !types.has("fraction"));
  return names.map((type) => (type === "fraction" ? "number" : type));
}

/** At least so many or so much: the given side promises the same or more. */
export function atLeast(demand: Demand<number>): Finding[] {
  const { place, keyword, value } = demand;
  const given = place.given.greatest(keyword);
  return given !== undefined && given >= value ? [] : value <= 0 ? [] : finding(demand, given);
}

export function atMost(demand: Demand<number>): Finding[] {
  const { place, keyword, value } = demand;
  const given = place.given.smallest(keyword);
  return given !== undefined && given <= value ? [] : finding(demand, given);
}

/** A lower bound of numbers, which either keyword may promise. */
function above(demand: Demand<number>): Finding[] {
  const { place, keyword, value } = demand;
  const inclusive = place.given.greatest("minimum") ?? -Infinity;
  const exclusive = place.given.greatest("exclusiveMinimum") ?? -Infinity;
  const met = exclusive >= value || (keyword === "minimum" ? inclusive >= value : inclusive > value);
  return met ? [] : finding(demand, place.given.greatest(keyword));
}

function below(demand: Demand<number>): Finding[] {
  const { place, keyword, value } = demand;
  const inclusive = place.given.smallest("maximum") ?? Infinity;
  const exclusive = place.given.smallest("exclusiveMaximum") ?? Infinity;
  const met = exclusive <= value || (keyword === "maximum" ? inclusive <= value : inclusive < value);
  return met ? [] : finding(demand, place.given.smallest(keyword));
}

/** Multiples of 6 are multiples of 3; whole numbers are multiples of 1. Fractions are left to people. */
function multipleOf(demand: Demand<number>): Finding[] {
  const { place, value } = demand;
  const steps = [
    ...(place.given.all("multipleOf") as number[]),
    ...(place.given.types.has("fraction") ? [] : [1]),
  ];
  if (steps.some((step) => Number.isInteger(step) && Number.isInteger(value) && step % value === 0))
    return [];
  return finding(demand, place.given.all("multipleOf")[0]);
}

/** Two patterns or formats cannot be compared, only recognised. */
function recognised(demand: Demand): Finding[] {
  const [given] = demand.place.given.all(demand.keyword);
  return given === undefined ? finding(demand, given) : finding(demand, given).map(asUndecided);
}

function asUndecided(found: Finding): Finding {
  return { ...found, undecided: true };
}

/** The given side lists no values: see Containment for those that do. */
function listed(demand: Demand): Finding[] {
  const value = demand.keyword === "const" ? [demand.value] : demand.value;
  return [{ path: demand.place.path, keyword: "enum", given: undefined, demanded: value }];
}

const numbers = ["integer", "fraction"] as const;
const strings = ["string"] as const;

export const scalarKeywords: Readonly<Record<string, Keyword>> = {
  type: { check },
  nullable: { check: () => [] }, // judged with `type`
  enum: { check: listed },
  const: { check: listed },
  minimum: { types: numbers, check: above },
  exclusiveMinimum: { types: numbers, check: above },
  maximum: { types: numbers, check: below },
  exclusiveMaximum: { types: numbers, check: below },
  multipleOf: { types: numbers, check: multipleOf },
  minLength: { types: strings, check: atLeast },
  maxLength: { types: strings, check: atMost },
  pattern: { types: strings, check: recognised },
  format: { types: strings, check: recognised },
};
