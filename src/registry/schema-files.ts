import { isUtf8 } from "node:buffer";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { JsonText } from "../envelope/json-text.js";
import { jsonFault } from "./json-check.js";
import { type Position, SchemaProblem } from "./problems.js";
import { pointerOf } from "./subschemas.js";
import { TextLines } from "./text-lines.js";

const maxBytes = 1_048_576;
const maxVersions = 100;
const versionFile = /^v([1-9][0-9]{0,3})\.json$/;

/** The JSON files under schemas/, each read once. Names are paths relative to topics.yaml, with slashes. */
export class SchemaFiles {
  private readonly documents = new Map<string, Record<string, unknown>>();
  private readonly texts = new Map<string, string>();

  /** `directory` holds topics.yaml and schemas/. */
  constructor(private readonly directory: string) {}

  has(file: string): boolean {
    return statSync(join(this.directory, file), { throwIfNoEntry: false })?.isFile() === true;
  }

  /**
   * The N of every schemas/<topic>/vN.json, lowest first.
   * @throws SchemaProblem when the folder cannot be read, or lists more versions than are taken.
   */
  versionsOf(topic: string): number[] {
    const folder = `schemas/${topic}`;
    const path = join(this.directory, folder);
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
    const refuse = (reason: string) => new SchemaProblem(folder, reason);
    const names = attempt(path, refuse, () => readdirSync(path));
    const versions = names.flatMap((name) => versionFile.exec(name)?.[1] ?? []);
    if (versions.length > maxVersions) {
      throw refuse(
        `holds ${versions.length} versions, and ${maxVersions} are the most; remove those that nobody sends any more`,
      );
    }
    return versions
      .map(Number)
      .filter((version) => this.has(`${folder}/v${version}.json`))
      .toSorted((a, b) => a - b);
  }

  /** @throws SchemaProblem when the file is missing or holds no JSON object. */
  read(file: string): Record<string, unknown> {
    const known = this.documents.get(file);
    if (known !== undefined) return known;
    const text = this.readText(file);
    const document = parseDocument(text, file);
    this.texts.set(file, text);
    this.documents.set(file, document);
    return document;
  }

  /**
   * A problem of the value at `path` in the bundled schema of `root` (files that are referred to are below `$defs`):
   * in the file it comes from, with its place there, or that of its member `keyword`. `tell` is given its JSON Pointer in
   * that file.
   */
  problem(
    root: string,
    path: readonly string[],
    tell: (pointer: string) => string,
    keyword?: string,
  ): SchemaProblem {
    const [first, file = ""] = path;
    const copied = first === "$defs" && file !== root && this.texts.has(file);
    const [name, inner] = copied ? [file, path.slice(2)] : [root, path];
    return new SchemaProblem(
      name,
      tell(`#${pointerOf(inner)}`),
      this.placeOf(name, keyword === undefined ? inner : [...inner, keyword]),
    );
  }

  private placeOf(file: string, path: readonly string[]): Position | undefined {
    const text = this.texts.get(file);
    return text === undefined ? undefined : new TextLines(text).at(offsetOf(text, path));
  }

  private readText(file: string): string {
    return readSmallFile(join(this.directory, file), (reason) => new SchemaProblem(file, reason));
  }
}

/**
 * The text of a UTF-8 file of at most 1 MiB, without the byte order mark that some editors put before it; `refuse`
 * makes the error from a reason that names the remedy.
 */
export function readSmallFile(path: string, refuse: (reason: string) => Error): string {
  const size = attempt(path, refuse, () => statSync(path).size);
  if (size > maxBytes) throw refuse(`has ${size} bytes, and ${maxBytes} are the most; split or shorten it`);
  const bytes = attempt(path, refuse, () => readFileSync(path));
  if (!isUtf8(bytes)) throw refuse("is not UTF-8; save it as UTF-8");
  return bytes.toString("utf8").replace(/^\ufeff/, "");
}

function attempt<T>(path: string, refuse: (reason: string) => Error, access: () => T): T {
  try {
    return access();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw refuse(
      code === "ENOENT" ? `is missing; create ${path}` : `cannot be read (${code}); see to ${path}`,
    );
  }
}

/** Where the value at a path begins; the last one on the way when there is none. */
function offsetOf(text: string, path: readonly string[]): number {
  const json = JsonText.scan(text);
  for (let length = path.length; length > 0; length--) {
    const node = json.find(path.slice(0, length));
    if (node !== undefined) return json.start(node);
  }
  return json.start(0);
}

function parseDocument(text: string, file: string): Record<string, unknown> {
  const fault = jsonFault(text);
  if (fault !== undefined) throw new SchemaProblem(file, fault.what, new TextLines(text).at(fault.offset));
  const document: unknown = JSON.parse(text);
  if (typeof document === "object" && document !== null && !Array.isArray(document)) {
    return document as Record<string, unknown>;
  }
  throw new SchemaProblem(
    file,
    "is not a JSON object; write a JSON Schema with type, properties and required",
    new TextLines(text).at(text.search(/\S/)),
  );
}
