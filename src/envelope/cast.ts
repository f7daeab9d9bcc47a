import { compileStep } from "./cast-steps.js";
import { type DraftValue, openValue, textOf } from "./json-draft.js";

/** By how many characters a cast may lengthen a payload. */
const maxGrowth = 16 * 1_048_576;

/** One step of a cast, as vN.casts.yaml has it. Paths are JSON Pointers; `*` stands for every element of an array. */
export type CastStep =
  | { readonly rename: { readonly from: string; readonly to: string } }
  | { readonly move: { readonly from: string; readonly to: string } }
  | { readonly set: { readonly path: string; readonly value: unknown } }
  | { readonly default: { readonly path: string; readonly value: unknown } }
  | { readonly drop: string }
  | { readonly map: ValueMap };

export interface ValueMap {
  readonly path: string;
  readonly values: Readonly<Record<string, unknown>>;
  /** What becomes of a value that `values` does not name; `keep` when it is left out. */
  readonly otherwise?: "keep" | "fail" | { readonly value: unknown };
}

/** The steps of both directions; a direction that is left out cannot be cast in. */
export interface CastSteps {
  readonly up?: readonly CastStep[];
  readonly down?: readonly CastStep[];
}

/** How payloads become one version from the version before, and back. */
export interface Casts {
  /** What the file says, for comparing and hashing. */
  readonly steps: CastSteps;
  /** A payload of the version before, as JSON text, in this version. @throws CastFailure */
  up(payload: string): string;
  /** A payload of this version, as JSON text, in the version before. @throws CastFailure */
  down(payload: string): string;
}

/** Why a payload cannot be cast: names places of the payload, never values. */
export class CastFailure extends Error {
  constructor(readonly reason: string) {
    super(reason);
    this.name = "CastFailure";
  }
}

/** The casts that `file` declares; `steps` were checked. Failures name `file`. */
export function compileCasts(steps: CastSteps, file: string): Casts {
  return { steps, up: compileDirection(steps, "up", file), down: compileDirection(steps, "down", file) };
}

/**
 * From one version's payloads to another's, over the versions between; undefined when nothing is to be done.
 * `casts` has, by version, the casts between it and the version before.
 */
export function castChain(
  casts: ReadonlyMap<number, Casts>,
  from: number,
  to: number,
): ((payload: string) => string) | undefined {
  const direction = from < to ? "up" : "down";
  const between = [...casts].filter(
    ([version]) => version > Math.min(from, to) && version <= Math.max(from, to),
  );
  if (between.length === 0) return undefined;
  const ordered = between.sort(([a], [b]) => (from < to ? a - b : b - a)).map(([, step]) => step);
  return (payload) => ordered.reduce((text, step) => step[direction](text), payload);
}

/** The text of untouched members stays byte for byte; only space between the members of a changed object goes. */
function compileDirection(
  steps: CastSteps,
  direction: "up" | "down",
  file: string,
): (payload: string) => string {
  const declared = steps[direction];
  if (declared === undefined) {
    return () => {
      throw new CastFailure(`${file} has no steps for ${direction}; add them, or [] when none are needed`);
    };
  }
  if (declared.length === 0) return (payload) => payload;
  const applied = declared.map((step) => compileStep(step));
  return (payload) => {
    const root = openValue(payload.trim());
    applied.forEach((apply, index) => {
      const problem = apply(root);
      if (problem === undefined) return;
      throw new CastFailure(`${file}, step ${index + 1} of ${direction}: ${problem}`);
    });
    return written(root, payload.length, `${file}, ${direction}`);
  };
}

/** A value put into every element of a long array must not take the memory of the whole bus. */
function written(root: DraftValue, given: number, where: string): string {
  const text = textWithin(root, given + maxGrowth);
  if (text === undefined) {
    throw new CastFailure(`${where}: the payload becomes more than ${maxGrowth} characters longer`);
  }
  return text;
}

function textWithin(root: DraftValue, limit: number): string | undefined {
  try {
    const text = textOf(root);
    return text.length <= limit ? text : undefined;
  } catch (error) {
    if (error instanceof RangeError) return undefined; // longer than any string can be
    throw error;
  }
}
