import {
  type AliasEvent,
  CORE_SCHEMA,
  EVENT_ID,
  type Event,
  getScalarValue,
  type MappingEvent,
  parseEvents,
  SCALAR_STYLE,
  type ScalarEvent,
  type SequenceEvent,
  YAMLException,
} from "js-yaml";
import { type Problems, shown } from "./problems.js";

/** A YAML value and the line (from 1) where it begins. */
export type YamlNode = YamlScalar | YamlList | YamlMap;

export interface YamlScalar {
  readonly kind: "scalar";
  readonly line: number;
  readonly value: unknown;
}

export interface YamlList {
  readonly kind: "list";
  readonly line: number;
  readonly items: YamlNode[];
}

export interface YamlMap {
  readonly kind: "map";
  readonly line: number;
  readonly entries: Map<string, YamlEntry>;
}

export interface YamlEntry {
  /** Line of the key. */
  readonly line: number;
  readonly value: YamlNode;
}

const maxDepth = 20;

/**
 * Reads the part of YAML 1.2 that a registry needs: one document of mappings, lists and scalars. Anchors, aliases,
 * merge keys, tags, directives and repeated keys are problems: what a line says must be seen on that line.
 * Answers undefined when there is nothing that could be checked further.
 */
export function readYaml(text: string, file: string, problems: Problems): YamlNode | undefined {
  try {
    return new YamlReader(text, file, problems).read(parseEvents(text, { maxDepth }));
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const line = (error.mark?.line ?? -1) + 1;
    problems.add(file, line, `${error.reason} in ${shown(lineAt(text, line))}; ${remedyFor(error.reason)}`);
    return undefined;
  }
}

/** The value as plain JavaScript, members with any name being its own. */
export function plainValue(node: YamlNode): unknown {
  if (node.kind === "scalar") return node.value;
  if (node.kind === "list") return node.items.map(plainValue);
  return Object.fromEntries([...node.entries].map(([key, { value }]) => [key, plainValue(value)]));
}

/** The value at a path; where the path leads nowhere, the last value on the way. */
export function nodeAt(root: YamlNode, path: readonly string[]): { node: YamlNode; line: number } {
  let node = root;
  let line = root.line;
  for (const token of path) {
    const entry = node.kind === "map" ? node.entries.get(token) : undefined;
    const next = entry?.value ?? (node.kind === "list" ? node.items[Number(token)] : undefined);
    if (next === undefined) break;
    node = next;
    line = next.kind === "scalar" ? next.line : (entry?.line ?? next.line);
  }
  return { node, line };
}

/** A collection that is being read; `key` waits for its value. */
interface Frame {
  readonly node: YamlList | YamlMap;
  key: { text: string; line: number } | undefined;
}

class YamlReader {
  private readonly lineStarts: number[];
  private readonly frames: Frame[] = [];
  private root: YamlNode | undefined;
  private documents = 0;

  constructor(
    private readonly text: string,
    private readonly file: string,
    private readonly problems: Problems,
  ) {
    this.lineStarts = [
      0,
      ...Array.from(text.matchAll(/\r\n|\r|\n/g), (match) => match.index + match[0].length),
    ];
  }

  read(events: readonly Event[]): YamlNode | undefined {
    for (const event of events) this.take(event);
    return this.root;
  }

  private take(event: Event): void {
    if (event.type === EVENT_ID.DOCUMENT) {
      this.documents++;
      if (event.directives.length > 0) this.refuse(1, "a % directive is not taken; remove the line");
    } else if (event.type === EVENT_ID.POP) {
      this.frames.pop();
    } else if (event.type === EVENT_ID.ALIAS) {
      this.alias(event);
    } else if (event.type === EVENT_ID.SCALAR) {
      this.checkProperties(event);
      this.scalar(event);
    } else {
      this.checkProperties(event);
      this.collection(event);
    }
  }

  private scalar(event: ScalarEvent): void {
    const frame = this.frames.at(-1);
    const text = event.valueStart < 0 ? "" : getScalarValue(this.text, event);
    const line = event.valueStart < 0 ? (frame?.key?.line ?? 1) : this.lineOf(event.valueStart);
    const plain = event.style === SCALAR_STYLE.PLAIN;
    if (frame?.node.kind === "map" && frame.key === undefined) {
      if (plain && text === "<<") this.refuse(line, 'the merge key "<<" is not taken; write the values out');
      frame.key = { text, line };
      return;
    }
    this.place({
      kind: "scalar",
      line,
      value: plain ? CORE_SCHEMA.resolveImplicitScalarTag(text).value : text,
    });
  }

  private collection(event: SequenceEvent | MappingEvent): void {
    const line = this.lineOf(event.start);
    const node: YamlList | YamlMap =
      event.type === EVENT_ID.SEQUENCE
        ? { kind: "list", line, items: [] }
        : { kind: "map", line, entries: new Map() };
    const frame = this.frames.at(-1);
    if (frame?.node.kind === "map" && frame.key === undefined) {
      this.refuse(line, "a list or mapping is not taken as a key; write a name");
      frame.key = { text: "", line };
      this.frames.push({ node, key: undefined }); // read to its end, placed nowhere
      return;
    }
    this.place(node);
    this.frames.push({ node, key: undefined });
  }

  private alias(event: AliasEvent): void {
    const line = this.lineOf(event.anchorStart);
    const name = this.text.slice(event.anchorStart, event.anchorEnd);
    this.refuse(line, `the alias ${shown(`*${name}`)} is not taken; write the value out`);
    const frame = this.frames.at(-1);
    if (frame?.node.kind === "map" && frame.key === undefined) frame.key = { text: `*${name}`, line };
    else this.place({ kind: "scalar", line, value: null });
  }

  private place(node: YamlNode): void {
    const frame = this.frames.at(-1);
    if (frame === undefined) this.placeRoot(node);
    else if (frame.node.kind === "list") frame.node.items.push(node);
    else this.placeMember(frame as Frame & { node: YamlMap }, node);
  }

  private placeRoot(node: YamlNode): void {
    if (this.documents > 1) {
      this.refuse(
        node.line,
        'a second document begins here; remove the "---" before it and keep one document',
      );
      return;
    }
    this.root = node;
  }

  private placeMember(frame: Frame & { node: YamlMap }, value: YamlNode): void {
    const { text, line } = frame.key!;
    frame.key = undefined;
    const first = frame.node.entries.get(text);
    if (first === undefined) {
      frame.node.entries.set(text, { line, value });
      return;
    }
    const what = this.frames.length === 1 ? "the topic" : "the key";
    this.refuse(
      line,
      `${what} ${shown(text)} is there twice, first on line ${first.line}; keep one of the two`,
    );
  }

  private checkProperties(event: ScalarEvent | SequenceEvent | MappingEvent): void {
    if (event.anchorStart >= 0) {
      const name = this.text.slice(event.anchorStart, event.anchorEnd);
      this.refuse(this.lineOf(event.anchorStart), `the anchor ${shown(`&${name}`)} is not taken; remove it`);
    }
    if (event.tagStart >= 0) {
      const tag = this.text.slice(event.tagStart, event.tagEnd);
      this.refuse(this.lineOf(event.tagStart), `the tag ${shown(tag)} is not taken; write the plain value`);
    }
  }

  private refuse(line: number, text: string): void {
    this.problems.add(this.file, line, text);
  }

  private lineOf(position: number): number {
    let low = 0;
    let high = this.lineStarts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.lineStarts[middle]! <= position) low = middle;
      else high = middle;
    }
    return low + 1;
  }
}

function lineAt(text: string, line: number): string {
  return text.split(/\r\n|\r|\n/)[line - 1]?.trim() ?? "";
}

function remedyFor(reason: string): string {
  if (reason.includes("tab character")) return "indent with spaces";
  if (reason.includes("maxDepth")) return `nest at most ${maxDepth} levels`;
  return "correct the YAML there: keys end with a colon and a space, entries of one level begin in one column";
}
