import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { SchemaProblem } from "../problems.js";
import { readSmallFile } from "../schema-files.js";

const castsFile = /^v([1-9][0-9]{0,3})\.casts\.yaml$/;
const castsLike = /cast.*\.ya?ml$/i;

/** The casts files under schemas/. Names are paths relative to topics.yaml, with slashes. */
export class CastFiles {
  /** `directory` holds topics.yaml and schemas/. */
  constructor(private readonly directory: string) {}

  /**
   * Every N up to `current` for which schemas/<topic>/vN.casts.yaml is there, lowest first.
   * @throws SchemaProblem for a file whose name looks meant so and is not: what it says would silently not be done.
   */
  versionsOf(topic: string, current: number): number[] {
    const folder = join(this.directory, "schemas", topic);
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
    return readdirSync(folder)
      .filter((name) => castsLike.test(name))
      .map((name) => versionOf(topic, name))
      .filter((version) => version <= current)
      .toSorted((a, b) => a - b);
  }

  /** @throws SchemaProblem when the file cannot be read. */
  read(file: string): string {
    const path = join(this.directory, file);
    return readSmallFile(path, (reason) => new SchemaProblem(file, reason));
  }
}

export function castsFileOf(topic: string, version: number): string {
  return `schemas/${topic}/v${version}.casts.yaml`;
}

function versionOf(topic: string, name: string): number {
  const version = Number(castsFile.exec(name)?.[1]);
  if (version > 1) return version;
  const remedy =
    version === 1
      ? "there is no version before v1 to cast from; remove the file"
      : "no such file is read; name it like v2.casts.yaml, for the casts between v1 and v2";
  throw new SchemaProblem(`schemas/${topic}/${name}`, remedy);
}
