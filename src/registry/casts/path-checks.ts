import type { CastStep, CastSteps } from "../../envelope/cast.js";
import { pointerPath } from "../../envelope/schema-merge.js";
import type { SourceFile } from "../source-file.js";
import { pointerOf } from "../subschemas.js";
import { didYouMean } from "../suggest.js";
import type { TopicSchema } from "../types.js";
import { lostIn } from "./schema-paths.js";

/** A path that a step reads or writes, and where the file names it. */
interface Use {
  readonly path: readonly string[];
  readonly place: readonly (string | number)[];
}

interface StepUses {
  readonly reads?: Use;
  readonly writes?: Use;
}

interface Sides {
  readonly version: number;
  readonly older: TopicSchema | undefined;
  readonly newer: TopicSchema | undefined;
}

/**
 * Checks that each step begins at what the schema it comes from describes, or an earlier step wrote, and ends at what
 * the other schema describes, or a later step takes up.
 */
export function checkPaths(steps: CastSteps, { version, older, newer }: Sides, file: SourceFile): void {
  const from = { schema: older, version: version - 1 };
  const to = { schema: newer, version };
  new DirectionCheck("up", from, to, file).check(steps.up ?? []);
  new DirectionCheck("down", to, from, file).check(steps.down ?? []);
}

interface Side {
  readonly schema: TopicSchema | undefined;
  readonly version: number;
}

class DirectionCheck {
  constructor(
    private readonly direction: string,
    private readonly from: Side,
    private readonly to: Side,
    private readonly file: SourceFile,
  ) {}

  check(steps: readonly CastStep[]): void {
    const uses = steps.map((step, index) => usesOf(step, [this.direction, index]));
    for (const [index, { reads, writes }] of uses.entries()) {
      const earlier = uses.slice(0, index).flatMap((use) => use.writes ?? []);
      const later = uses.slice(index + 1).flatMap((use) => use.reads ?? []);
      if (reads !== undefined && !earlier.some((use) => overlap(use, reads))) this.expect(reads, this.from);
      if (writes !== undefined && !later.some((use) => overlap(use, writes))) this.expect(writes, this.to);
    }
  }

  private expect({ path, place }: Use, { schema, version }: Side): void {
    const lost = schema && lostIn(schema.schema as Record<string, unknown>, path);
    if (lost === undefined) return;
    const remedy = didYouMean(path[lost.at]!, lost.known);
    this.file.refuse(
      place,
      `${pointerOf(path)} is nothing that v${version}.json beside this file describes${remedy}; correct the path, or describe the field there`,
    );
  }
}

function overlap(a: Use, b: Use): boolean {
  const length = Math.min(a.path.length, b.path.length);
  return a.path.slice(0, length).every((token, at) => token === b.path[at]);
}

function usesOf(step: CastStep, place: readonly (string | number)[]): StepUses {
  const use = (pointer: string, ...inner: string[]): Use => ({
    path: pointerPath(pointer)!,
    place: [...place, ...inner],
  });
  if ("drop" in step) return { reads: use(step.drop, "drop") };
  if ("map" in step) return { reads: use(step.map.path, "map", "path") };
  if ("set" in step) return { writes: use(step.set.path, "set", "path") };
  if ("default" in step) return { writes: use(step.default.path, "default", "path") };
  if ("move" in step) {
    return { reads: use(step.move.from, "move", "from"), writes: use(step.move.to, "move", "to") };
  }
  const reads = use(step.rename.from, "rename", "from");
  const path = [...reads.path.slice(0, -1), step.rename.to];
  return { reads, writes: { path, place: [...place, "rename", "to"] } };
}
