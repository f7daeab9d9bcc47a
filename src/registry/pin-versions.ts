import { type ConsumerEntry, nameOf, type TopicEntry, versionOf } from "./entries.js";
import type { Registry } from "./types.js";
import { nodeAt, plainValue, type YamlMap, type YamlNode, type YamlScalar } from "./yaml.js";

/** A consumer to whose entry a version was written. */
export interface Pin {
  readonly topic: string;
  readonly consumer: string;
  readonly version: number;
  /** Whether an earlier state of the file says so; else it is the topic's current version. */
  readonly known: boolean;
}

interface Insertion {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * Writes `version: vN` to every consumer of a valid topics.yaml that states none: the version it had in `earlier`, else
 * the topic's current one. Comments and layout stay: only text is inserted. `root` is what `text` was read to.
 */
export function pinVersions(
  text: string,
  root: YamlNode,
  earlier?: Registry,
): { text: string; pins: readonly Pin[] } {
  const edits: Insertion[] = [];
  const pins: Pin[] = [];
  for (const { topic, entry, consumer, index } of unpinned(root)) {
    const before = earlierVersion(earlier, topic, consumer);
    const pin = { topic, consumer, version: before ?? versionOf(entry.schema), known: before !== undefined };
    const { node } = nodeAt(root, [topic, "consumers", String(index)]);
    edits.push(insertion(text, node as YamlScalar | YamlMap, `version: v${pin.version}`));
    pins.push(pin);
  }
  return { text: applied(text, edits), pins };
}

function unpinned(root: YamlNode) {
  const topics = Object.entries(plainValue(root) as Record<string, TopicEntry>);
  return topics
    .filter(([topic]) => !topic.startsWith("$"))
    .flatMap(([topic, entry]) =>
      entry.consumers.flatMap((consumer, index) =>
        hasVersion(consumer) ? [] : [{ topic, entry, consumer: nameOf(consumer), index }],
      ),
    );
}

function hasVersion(consumer: string | ConsumerEntry): boolean {
  return typeof consumer !== "string" && consumer.version !== undefined;
}

/** A consumer that stated none then was given the version that was current. */
function earlierVersion(earlier: Registry | undefined, topic: string, consumer: string): number | undefined {
  const before = earlier?.topics.get(topic);
  const known = before?.consumers.find(({ name }) => name === consumer);
  return known && (known.version ?? before!.version);
}

function insertion(text: string, node: YamlScalar | YamlMap, version: string): Insertion {
  if (node.kind === "scalar") {
    const { start, end } = node;
    return { start, end, text: `{ name: ${text.slice(start, end)}, ${version} }` };
  }
  const name = node.entries.get("name")!;
  const value = name.value as YamlScalar;
  const end = value.start + text.slice(value.start, value.end).trimEnd().length; // a block of text has its line break
  if (node.flow) return { start: end, end, text: `, ${version}` };
  const rest = /[^\r\n]*/.exec(text.slice(end))![0].length; // a comment after the name stays beside it
  const lineBreak = /\r\n|\r|\n/.exec(text)?.[0] ?? "\n";
  const at = end + rest;
  return { start: at, end: at, text: `${lineBreak}${" ".repeat(name.column - 1)}${version}` };
}

function applied(text: string, edits: readonly Insertion[]): string {
  return edits
    .toSorted((a, b) => b.start - a.start)
    .reduce(
      (result, { start, end, text: inserted }) => result.slice(0, start) + inserted + result.slice(end),
      text,
    );
}
