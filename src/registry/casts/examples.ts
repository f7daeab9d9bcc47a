import { CastFailure, type Casts } from "../../envelope/cast.js";
import { shown } from "../problems.js";
import type { SourceFile } from "../source-file.js";
import { pointerOf } from "../subschemas.js";
import { didYouMean } from "../suggest.js";
import type { TopicSchema } from "../types.js";
import { isRecord, jsonMisfit } from "./json-value.js";

interface Sides {
  readonly version: number;
  readonly older: TopicSchema | undefined;
  readonly newer: TopicSchema | undefined;
}

type Direction = "up" | "down";

/** Checks the examples of a casts file: each payload fits its schema, and each cast gives the other one of the pair. */
export function checkExamples(document: unknown, casts: Casts, sides: Sides, file: SourceFile): void {
  new ExampleCheck(casts, sides, file).check((document as Record<string, unknown>).examples);
}

class ExampleCheck {
  private readonly names: Readonly<Record<"older" | "newer", string>>;
  private readonly shownDirections = new Set<Direction>();

  constructor(
    private readonly casts: Casts,
    private readonly sides: Sides,
    private readonly file: SourceFile,
  ) {
    this.names = { older: `v${sides.version - 1}`, newer: `v${sides.version}` };
  }

  check(examples: unknown): void {
    if (examples !== undefined && !Array.isArray(examples)) {
      const { older, newer } = this.names;
      const text = `examples ${shown(examples)} is no list; write one like [{${older}: {…}, ${newer}: {…}}]`;
      this.file.refuse(["examples"], text);
      return;
    }
    for (const [index, example] of (examples ?? []).entries()) this.example(example, index);
    for (const direction of ["up", "down"] as const) {
      const { length } = this.casts.steps[direction] ?? [];
      if (length === 0 || this.shownDirections.has(direction)) continue;
      const { older, newer } = this.names;
      this.file.refuse(
        [direction],
        `${direction} has no example; add one to examples, like {${older}: {…}, ${newer}: {…}}`,
      );
    }
  }

  private example(example: unknown, index: number): void {
    const place = ["examples", index];
    const { older, newer } = this.names;
    if (!isRecord(example) || !isRecord(example[older]) || !isRecord(example[newer])) {
      const text = `example ${index + 1} has no payload of both versions; write {${older}: {…}, ${newer}: {…}}`;
      this.file.refuse(place, text);
      return;
    }
    const directions = this.directionsOf(example, index);
    if (directions === undefined) return;
    const fits = [
      this.fits(example[older], this.sides.older, [...place, older]),
      this.fits(example[newer], this.sides.newer, [...place, newer]),
    ];
    for (const direction of directions) {
      this.shownDirections.add(direction);
      if (fits.includes(false)) continue;
      if (direction === "up") this.run("up", example[older], example[newer], [...place, older]);
      else this.run("down", example[newer], example[older], [...place, newer]);
    }
  }

  /** The directions that an example is of; undefined when what it says of them is wrong. */
  private directionsOf(example: Record<string, unknown>, index: number): Direction[] | undefined {
    const place = ["examples", index];
    const known = [...Object.values(this.names), "only"];
    const stranger = Object.keys(example).find((key) => !known.includes(key));
    if (stranger !== undefined) {
      const remedy = didYouMean(stranger, known) || ` (known are ${known.join(", ")})`;
      const text = `the key ${shown(stranger)} of example ${index + 1} is unknown${remedy}; correct or remove it`;
      this.file.refuseKey(place, stranger, text);
      return undefined;
    }
    const declared = (["up", "down"] as const).filter(
      (direction) => this.casts.steps[direction] !== undefined,
    );
    if (!Object.hasOwn(example, "only")) return declared;
    const only = declared.filter((direction) => direction === example.only);
    if (only.length > 0) return only;
    const text = `only ${shown(example.only)} is no direction that this file has; write ${declared.join(" or ")}`;
    this.file.refuse([...place, "only"], text);
    return undefined;
  }

  private fits(
    payload: unknown,
    schema: TopicSchema | undefined,
    place: readonly (string | number)[],
  ): boolean {
    const misfit = jsonMisfit(payload);
    const [violation] = misfit === undefined ? (schema?.validate(payload) ?? []) : [];
    if (misfit !== undefined) this.file.refuse(place, `the example ${misfit}`);
    if (violation === undefined) return misfit === undefined;
    this.file.refuse(
      place,
      `the example does not fit ${place.at(-1)}.json: ${violation.path || "the payload"} ${violation.message}; correct it`,
    );
    return false;
  }

  private run(
    direction: Direction,
    given: unknown,
    expected: unknown,
    place: readonly (string | number)[],
  ): void {
    try {
      const cast: unknown = JSON.parse(this.casts[direction](JSON.stringify(given)));
      const difference = firstDifference(cast, expected, []);
      if (difference === undefined) return;
      const { path, is, wanted } = difference;
      const at = pointerOf(path) || "the payload";
      this.file.refuse(
        place,
        `${direction} of this example gives ${at} ${described(is)}, and the example has ${described(wanted)}; correct the steps or the example, or write only: ${direction === "up" ? "down" : "up"} when it goes one way`,
      );
    } catch (error) {
      if (!(error instanceof CastFailure)) throw error;
      this.file.refuse(
        place,
        `${direction} of this example fails: ${error.reason}; correct the steps or the example`,
      );
    }
  }
}

interface Difference {
  readonly path: readonly string[];
  readonly is: unknown;
  readonly wanted: unknown;
}

/** Where two JSON values differ first; the order of members does not count. */
function firstDifference(is: unknown, wanted: unknown, path: readonly string[]): Difference | undefined {
  if (is === wanted) return undefined;
  const comparable = isContainer(is) && isContainer(wanted) && Array.isArray(is) === Array.isArray(wanted);
  if (!comparable) return { path, is, wanted };
  for (const name of new Set([...Object.keys(is), ...Object.keys(wanted)])) {
    const [a, b] = [is, wanted].map((value) => (Object.hasOwn(value, name) ? value[name] : undefined));
    const difference = firstDifference(a, b, [...path, name]);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function described(value: unknown): string {
  return value === undefined ? "not at all" : shown(JSON.stringify(value));
}
