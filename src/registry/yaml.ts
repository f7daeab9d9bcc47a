import {
  type AliasEvent,
  COLLECTION_STYLE,
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
import { type Position, type Problems, shown } from "./problems.js";
import { TextLines } from "./text-lines.js";

/** A YAML value and where it begins. */
export type YamlNode = YamlScalar | YamlList | YamlMap;

export interface YamlScalar extends Position {
  readonly kind: "scalar";
  readonly value: unknown;
  /** The value as it is written, without quotes. */
  readonly text: string;
  /** Offsets of the text, quotes included; both are -1 where nothing stands. */
  readonly start: number;
  readonly end: number;
}

export interface YamlList extends Position {
  readonly kind: "list";
  readonly items: YamlNode[];
}

export interface YamlMap extends Position {
  readonly kind: "map";
  /** Written in braces. */
  readonly flow: boolean;
  readonly entries: Map<string, YamlEntry>;
}

/** A member of a mapping; its position is that of the key. */
export interface YamlEntry extends Position {
  readonly value: YamlNode;
}

const maxDepth = 20;
const quoted: readonly number[] = [SCALAR_STYLE.SINGLE_QUOTED, SCALAR_STYLE.DOUBLE_QUOTED];
const fileStart: Position = { line: 1, column: 1 };

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
    const { line = 0, column = 0 } = error.mark ?? {};
    const at = { line: line + 1, column: column + 1 };
    problems.add(file, at, `${error.reason} in ${shown(lineAt(text, line))}; ${remedyFor(error.reason)}`);
    return undefined;
  }
}

/** The value as plain JavaScript, members with any name being its own. */
export function plainValue(node: YamlNode): unknown {
  if (node.kind === "scalar") return node.value;
  if (node.kind === "list") return node.items.map(plainValue);
  return Object.fromEntries([...node.entries].map(([key, { value }]) => [key, plainValue(value)]));
}

/**
 * The value at a path; where the path leads nowhere, the last value on the way. The position is that of a scalar, or of
 * the key of what stands below one.
 */
export function nodeAt(root: YamlNode, path: readonly string[]): Position & { node: YamlNode } {
  let node = root;
  let at: Position = root;
  for (const token of path) {
    const entry = node.kind === "map" ? node.entries.get(token) : undefined;
    const next = entry?.value ?? (node.kind === "list" ? node.items[Number(token)] : undefined);
    if (next === undefined) break;
    node = next;
    at = next.kind === "scalar" ? next : (entry ?? next);
  }
  return { node, line: at.line, column: at.column };
}

/** A collection that is being read; `key` waits for its value. */
interface Frame {
  readonly node: YamlList | YamlMap;
  key: (Position & { text: string }) | undefined;
}

class YamlReader {
  private readonly lines: TextLines;
  private readonly frames: Frame[] = [];
  private root: YamlNode | undefined;
  private documents = 0;

  constructor(
    private readonly text: string,
    private readonly file: string,
    private readonly problems: Problems,
  ) {
    this.lines = new TextLines(text);
  }

  read(events: readonly Event[]): YamlNode | undefined {
    for (const event of events) this.take(event);
    return this.root;
  }

  private take(event: Event): void {
    if (event.type === EVENT_ID.DOCUMENT) {
      this.documents++;
      if (event.directives.length > 0) this.refuse(fileStart, "a % directive is not taken; remove the line");
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
    const quotes = quoted.includes(event.style) ? 1 : 0;
    const start = event.valueStart - quotes;
    const at = event.valueStart < 0 ? (frame?.key ?? frame?.node ?? fileStart) : this.lines.at(start);
    const plain = event.style === SCALAR_STYLE.PLAIN;
    if (frame?.node.kind === "map" && frame.key === undefined) {
      if (plain && text === "<<") this.refuse(at, 'the merge key "<<" is not taken; write the values out');
      frame.key = { ...at, text };
      return;
    }
    const value = plain ? CORE_SCHEMA.resolveImplicitScalarTag(text).value : text;
    const span = event.valueStart < 0 ? { start: -1, end: -1 } : { start, end: event.valueEnd + quotes };
    this.place({ kind: "scalar", line: at.line, column: at.column, value, text, ...span });
  }

  private collection(event: SequenceEvent | MappingEvent): void {
    const at = this.lines.at(event.start);
    const flow = event.style === COLLECTION_STYLE.FLOW;
    const node: YamlList | YamlMap =
      event.type === EVENT_ID.SEQUENCE
        ? { kind: "list", ...at, items: [] }
        : { kind: "map", ...at, flow, entries: new Map() };
    const frame = this.frames.at(-1);
    if (frame?.node.kind === "map" && frame.key === undefined) {
      this.refuse(at, "a list or mapping is not taken as a key; write a name");
      frame.key = { ...at, text: "" };
      this.frames.push({ node, key: undefined }); // read to its end, placed nowhere
      return;
    }
    this.place(node);
    this.frames.push({ node, key: undefined });
  }

  private alias(event: AliasEvent): void {
    const at = this.lines.at(event.anchorStart - 1);
    const name = this.text.slice(event.anchorStart, event.anchorEnd);
    this.refuse(at, `the alias ${shown(`*${name}`)} is not taken; write the value out`);
    const frame = this.frames.at(-1);
    if (frame?.node.kind === "map" && frame.key === undefined) frame.key = { ...at, text: `*${name}` };
    else this.place({ kind: "scalar", ...at, value: null, text: name, start: -1, end: -1 });
  }

  private place(node: YamlNode): void {
    const frame = this.frames.at(-1);
    if (frame === undefined) this.placeRoot(node);
    else if (frame.node.kind === "list") frame.node.items.push(node);
    else this.placeMember(frame as Frame & { node: YamlMap }, node);
  }

  private placeRoot(node: YamlNode): void {
    if (this.documents > 1) {
      this.refuse(node, 'a second document begins here; remove the "---" before it and keep one document');
      return;
    }
    this.root = node;
  }

  private placeMember(frame: Frame & { node: YamlMap }, value: YamlNode): void {
    const { text, line, column } = frame.key!;
    frame.key = undefined;
    const first = frame.node.entries.get(text);
    if (first === undefined) {
      frame.node.entries.set(text, { line, column, value });
      return;
    }
    const what = this.frames.length === 1 ? "the topic" : "the key";
    this.refuse(
      { line, column },
      `${what} ${shown(text)} is there twice, first on line ${first.line}; keep one of the two`,
    );
  }

  private checkProperties(event: ScalarEvent | SequenceEvent | MappingEvent): void {
    if (event.anchorStart >= 0) {
      const name = this.text.slice(event.anchorStart, event.anchorEnd);
      this.refuse(
        this.lines.at(event.anchorStart - 1),
        `the anchor ${shown(`&${name}`)} is not taken; remove it`,
      );
    }
    if (event.tagStart >= 0) {
      const tag = this.text.slice(event.tagStart, event.tagEnd);
      this.refuse(this.lines.at(event.tagStart), `the tag ${shown(tag)} is not taken; write the plain value`);
    }
  }

  private refuse(at: Position, text: string): void {
    this.problems.add(this.file, at, text);
  }
}

function lineAt(text: string, line: number): string {
  return text.split(/\r\n|\r|\n/)[line]?.trim() ?? "";
}

/** By a part of the parser's reason. */
const remedies: readonly (readonly [string, string])[] = [
  ["tab character", "indent with spaces"],
  ["maxDepth", `nest at most ${maxDepth} levels`],
  ["null byte", "remove the character"],
  ["non-printable", "remove the character"],
  ["missed comma", "write a comma before it"],
  ["deficient indentation", "close the bracket, brace or quote that is open, or indent what belongs to it"],
  [
    "bad indentation",
    "begin it in the column of its level; put a value with a colon or special character in quotes",
  ],
];

function remedyFor(reason: string): string {
  const known = remedies.find(([part]) => reason.includes(part));
  return (
    known?.[1] ??
    "correct the YAML there: keys end with a colon and a space, entries of one level begin in one column"
  );
}
