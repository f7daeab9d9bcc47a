import { isSchema, type JsonSchema, schemaElements } from "../../envelope/schema-merge.js";
import { accepts } from "./accepts.js";
import { Conjunction, type SchemaObject } from "./conjunction.js";
import { disjoint } from "./disjoint.js";
import { finiteValues } from "./finite-values.js";
import { checkKeywords } from "./keywords.js";
import { type Place, undecided } from "./place.js";
import { same } from "./same.js";
import type { Finding } from "./types.js";

/** Comparisons of two places after which the schemas count as too intricate to compare. */
const maxSteps = 3_000;
/** Most pairs of places one inside the other. */
const maxDepth = 100;

/**
 * Whether every value that one schema takes is taken by another: the demands of the other that are not shown to hold.
 * None means containment is proved; some mean that it fails or cannot be told. Sound, not complete (JSON Schema
 * containment is undecidable in reasonable time for what `not`, `if` and patterns can say).
 */
export class Containment {
  private steps = 0;
  /** Members looked at one inside the other by `disjoint`. */
  private apartDepth = 0;
  /** Pairs under comparison, which may be taken for granted below themselves: payloads are finite. */
  private readonly open = new Set<string>();
  private readonly numbers = new Map<JsonSchema, number>();

  /** What `demanded` asks that `given` does not promise. */
  findings(place: Place): Finding[] {
    const { given, demanded, root } = place;
    if (given.impossible || demanded === true) return [];
    if (given.given.some((schema) => same(schema, given.root, demanded, root))) return [];
    const pair = this.keyOf(place);
    if (this.open.has(pair)) return [];
    if (++this.steps > maxSteps || this.open.size > maxDepth) return [undecided(place, "$ref")];
    this.open.add(pair);
    try {
      return this.compare(place);
    } finally {
      this.open.delete(pair);
    }
  }

  /** Whether `demanded` is shown to take all that `given` takes. */
  holds(given: Conjunction, demanded: JsonSchema, root: JsonSchema): boolean {
    return this.findings({ given, demanded, root, path: [] }).length === 0;
  }

  /** Whether no value fits both. */
  disjoint(given: Conjunction, other: Conjunction): boolean {
    if (++this.steps > maxSteps || this.apartDepth >= maxDepth) return false;
    this.apartDepth++;
    const apart = disjoint(this, given, other);
    this.apartDepth--;
    return apart;
  }

  private compare(place: Place): Finding[] {
    const values = finiteValues(place.given);
    if (values !== undefined) return this.compareValues(place, values);
    const direct = this.compareDirectly(place);
    if (direct.length === 0) return [];
    const cases = casesOf(place.given);
    if (cases.length === 0) return direct;
    const inCases = cases.map((given) => this.findings({ ...place, given }));
    return inCases.every((findings) => findings.length === 0) ? [] : unique(inCases.flat());
  }

  private compareValues(place: Place, values: readonly unknown[]): Finding[] {
    const { demanded, root, path } = place;
    const taken = values.filter((value) => accepts(value, demanded, root) === true);
    if (taken.length === values.length) return [];
    const other = new Conjunction([demanded], root);
    const isListed = other.all("enum").length > 0 || other.all("const").length > 0;
    if (!isListed) return this.compareDirectly(place);
    return [{ path, keyword: "enum", given: values, demanded: finiteValues(other) ?? taken }];
  }

  private compareDirectly(place: Place): Finding[] {
    const other = new Conjunction([place.demanded], place.root);
    if (other.impossible) return [{ path: place.path, keyword: "false", given: true, demanded: false }];
    return unique(other.schemas.flatMap((schema) => this.compareSchema(place, schema)));
  }

  private compareSchema(place: Place, schema: SchemaObject): Finding[] {
    const { given, root } = place;
    if ([...given.given, ...given.schemas].some((own) => same(own, given.root, schema, root))) return [];
    return checkKeywords(this, place, schema);
  }

  private keyOf({ given, demanded }: Place): string {
    const numbers = given.given.map((schema) => this.numberOf(schema)).sort((a, b) => a - b);
    return `${numbers.join()}<${this.numberOf(demanded)}`;
  }

  private numberOf(schema: JsonSchema): number {
    const number = this.numbers.get(schema) ?? this.numbers.size;
    this.numbers.set(schema, number);
    return number;
  }
}

/** The given conjunction taken apart: by its first list of alternatives that is not chosen from yet, else by type. */
function casesOf(given: Conjunction): Conjunction[] {
  for (const schema of given.schemas) {
    for (const keyword of ["anyOf", "oneOf"]) {
      const alternatives = schemaElements(schema[keyword]);
      const chosen = alternatives.some((alternative) => given.given.includes(alternative));
      if (alternatives.length > 0 && !chosen) return alternatives.map(choice(given, keyword, alternatives));
    }
  }
  const types = [...given.types];
  if (types.length < 2 || types.length > 5 || types.join() === "integer,fraction") return [];
  const names = new Set(types.map((type) => (type === "fraction" ? "number" : type)));
  if (names.has("number")) names.delete("integer");
  return [...names].map((type) => given.and({ type }));
}

/** Of `oneOf` the chosen one fits alone. */
function choice(given: Conjunction, keyword: string, alternatives: readonly JsonSchema[]) {
  return (chosen: JsonSchema): Conjunction => {
    if (keyword === "anyOf" || !isSchema(chosen)) return given.and(chosen);
    const others = alternatives.filter((other) => other !== chosen).map((other) => ({ not: other }));
    return given.and(chosen, ...others);
  };
}

function unique(findings: readonly Finding[]): Finding[] {
  const byKey = new Map(findings.map((finding) => [JSON.stringify(finding), finding]));
  return [...byKey.values()];
}
