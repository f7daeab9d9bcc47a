import { chmodSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { HmsSyncError } from "../errors.js";
import { loadRegistry } from "./load.js";
import { type Pin, pinVersions } from "./pin-versions.js";
import { Problems } from "./problems.js";
import type { Registry } from "./types.js";
import { readYaml } from "./yaml.js";

/**
 * Writes the versions of `pinVersions` into the topics.yaml at `path`, replacing the file at once; when there is
 * nothing to write, or the result would not be valid, it stays as it is.
 * @throws HmsSyncError `invalid_registry` when the file is not valid, or would not be.
 */
export async function pinFile(
  path: string,
  earlier?: Registry,
): Promise<{ registry: Registry; pins: readonly Pin[] }> {
  const before = await loadRegistry(path);
  const [mark, text] = withoutMark(readFileSync(path, "utf8"));
  const pinned = pinVersions(text, readYaml(text, basename(path), new Problems())!, earlier);
  if (pinned.pins.length === 0) return { registry: before, pins: [] };
  const registry = await loadRegistry(path, pinned.text);
  checkPinned(before, registry, pinned.pins, basename(path));
  replaceFile(realpathSync(path), mark + pinned.text);
  return { registry, pins: pinned.pins };
}

/** The byte order mark that some editors put before a text, and the text. */
function withoutMark(text: string): [string, string] {
  return text.startsWith("\ufeff") ? ["\ufeff", text.slice(1)] : ["", text];
}

/** An unusual layout could make the edited text say something else; then a person has to write it. */
function checkPinned(before: Registry, after: Registry, pins: readonly Pin[], file: string): void {
  for (const { topic, consumer, version } of pins) {
    const [was, is] = [before, after].map(({ topics }) =>
      topics.get(topic)?.consumers.find(({ name }) => name === consumer),
    );
    if (isDeepStrictEqual(is, { ...was, version })) continue;
    throw new HmsSyncError(
      "invalid_registry",
      `${file}: version: v${version} cannot be inserted for ${consumer} of ${topic} in the layout that is there; write it by hand`,
    );
  }
}

function replaceFile(path: string, text: string): void {
  const fresh = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(fresh, text);
    chmodSync(fresh, statSync(path).mode);
    renameSync(fresh, path);
  } finally {
    rmSync(fresh, { force: true });
  }
}
