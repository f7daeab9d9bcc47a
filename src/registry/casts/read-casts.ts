import { type Casts, compileCasts } from "../../envelope/cast.js";
import type { Problems } from "../problems.js";
import { SourceFile } from "../source-file.js";
import type { TopicSchema } from "../types.js";
import { plainValue, readYaml } from "../yaml.js";
import { checkExamples } from "./examples.js";
import { checkPaths } from "./path-checks.js";
import { CastsReader, noCasts } from "./steps.js";

/** The casts file of one version, and the schemas on both sides of it as far as they are listed. */
export interface CastsSource {
  /** Path relative to topics.yaml. */
  readonly file: string;
  readonly text: string;
  readonly version: number;
  readonly older: TopicSchema | undefined;
  readonly newer: TopicSchema | undefined;
}

/**
 * Reads vN.casts.yaml: its structure, its paths against both schemas, and its examples in both directions. Undefined
 * when something is wrong, which `problems` then has, by line and column.
 */
export function readCasts(source: CastsSource, problems: Problems): Casts | undefined {
  if (isBlank(source.text)) {
    problems.add(source.file, { line: 1, column: 1 }, noCasts);
    return undefined;
  }
  const root = readYaml(source.text, source.file, problems);
  if (root === undefined) return undefined;
  const file = new SourceFile(root, source.file, problems);
  const reader = new CastsReader(file);
  const steps = reader.read(plainValue(root));
  if (steps === undefined) return undefined;
  checkPaths(steps, source, file);
  const casts = compileCasts(steps, source.file);
  checkExamples(plainValue(root), casts, source, file);
  return casts;
}

/** Whether a YAML text holds nothing at all, which would silently mean that nothing is to be done. */
function isBlank(text: string): boolean {
  return text.split(/\r\n|\r|\n/).every((line) => /^\s*(#|---\s*$|\.\.\.\s*$|$)/.test(line));
}
