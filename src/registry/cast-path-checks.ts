import { breaking, classify, type Direction } from "./diff/compatibility.js";
import type { TopicEntry } from "./entries.js";
import { shown } from "./problems.js";
import type { SourceFile } from "./source-file.js";
import type { Topic } from "./types.js";

/**
 * Checks that every consumer that is pinned to a version can be given what producers may send in another: the versions
 * between have casts in that direction, or payloads fit as they are.
 */
export function checkCastPaths(topic: Topic, entry: TopicEntry, file: SourceFile): void {
  const paths = new CastPaths(topic);
  for (const [index, consumer] of entry.consumers.entries()) {
    const { name, version } = topic.consumers[index]!;
    if (version === undefined) continue;
    for (const sent of topic.schemas.keys()) {
      const gap = paths.gap(sent, version);
      if (gap === undefined) continue;
      const stated = typeof consumer === "string" ? undefined : consumer.version;
      file.refuse(
        [topic.name, "consumers", index, "version"],
        `version ${shown(stated)} of ${name} in consumers of ${topic.name} cannot be given what is sent as v${sent}: ${gap}`,
      );
      break; // the gap is the same for the versions behind it
    }
  }
}

class CastPaths {
  private readonly known = new Map<string, string | undefined>();

  constructor(private readonly topic: Topic) {}

  /** Why payloads of one version cannot become another's, and the remedy; undefined when they can. */
  gap(from: number, to: number): string | undefined {
    const [low, high] = [Math.min(from, to), Math.max(from, to)];
    const direction: Direction = from < to ? "up" : "down";
    const versions = Array.from({ length: high - low }, (_, i) => low + 1 + i);
    const stops = versions.filter((version) => this.topic.casts.has(version));
    if (stops.length === 0) return this.identityGap(low, high, direction);
    for (const version of versions) {
      const casts = this.topic.casts.get(version);
      if (casts === undefined) {
        const gap = this.identityGap(version - 1, version, direction);
        if (gap !== undefined) return gap;
      } else if (casts.steps[direction] === undefined) {
        return `${this.castsFile(version)} has no steps for ${direction}; add ${direction}: to it, with [] when payloads stay as they are`;
      }
    }
    return undefined;
  }

  /** Without casts payloads stay as they are, so they must fit. */
  private identityGap(low: number, high: number, direction: Direction): string | undefined {
    const key = `${low} ${high} ${direction}`;
    if (!this.known.has(key)) this.known.set(key, this.judge(low, high, direction));
    return this.known.get(key);
  }

  private judge(low: number, high: number, direction: Direction): string | undefined {
    const [older, newer] = [this.topic.schemas.get(low), this.topic.schemas.get(high)];
    if (older === undefined || newer === undefined || low === high) return undefined; // no such payloads, or nothing to do
    const [first] = breaking(classify(older.schema, newer.schema), direction);
    if (first === undefined) return undefined;
    const file = this.castsFile(high);
    return `from v${low} to v${high} ${first.path || "the payload"} ${first.what}, and there is no ${file}; write it with ${direction}: and the steps, [] when payloads may stay as they are`;
  }

  private castsFile(version: number): string {
    return `schemas/${this.topic.name}/v${version}.casts.yaml`;
  }
}
