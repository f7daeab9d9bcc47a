import { isUtf8 } from "node:buffer";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { JsonText } from "../envelope/json-text.js";
import { HmsSyncError } from "../errors.js";
import { SchemaProblem } from "./problems.js";

const maxBytes = 1_048_576;
const maxVersions = 100;
const versionFile = /^v([1-9][0-9]{0,3})\.json$/;

/** The JSON files under schemas/, each read once. Names are paths relative to topics.yaml, with slashes. */
export class SchemaFiles {
  private readonly documents = new Map<string, Record<string, unknown>>();

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
    const document = parseDocument(this.readText(file), file);
    this.documents.set(file, document);
    return document;
  }

  private readText(file: string): string {
    const bytes = readSmallFile(join(this.directory, file), (reason) => new SchemaProblem(file, reason));
    return bytes.toString("utf8");
  }
}

/** Reads a UTF-8 file of at most 1 MiB; `refuse` makes the error from a reason that names the remedy. */
export function readSmallFile(path: string, refuse: (reason: string) => Error): Buffer {
  const size = attempt(path, refuse, () => statSync(path).size);
  if (size > maxBytes) throw refuse(`has ${size} bytes, and ${maxBytes} are the most; split or shorten it`);
  const bytes = attempt(path, refuse, () => readFileSync(path));
  if (!isUtf8(bytes)) throw refuse("is not UTF-8; save it as UTF-8");
  return bytes;
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

function parseDocument(text: string, file: string): Record<string, unknown> {
  const document = parse(text, file);
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    throw new SchemaProblem(
      file,
      "is not a JSON object; write a JSON Schema with type, properties and required",
    );
  }
  return document as Record<string, unknown>;
}

function parse(text: string, file: string): unknown {
  try {
    const document: unknown = JSON.parse(text);
    JsonText.scan(text); // refuses what is nested too deep and names that come twice
    return document;
  } catch (error) {
    if (error instanceof HmsSyncError) {
      const what =
        error.code === "too_deep"
          ? "nests too deep; flatten it"
          : "has a member twice in one object; keep one";
      throw new SchemaProblem(file, what);
    }
    throw new SchemaProblem(file, `is not JSON (${(error as Error).message}); correct it`);
  }
}
