import { HmsSyncError } from "../errors.js";

const maxShown = 50;

/** A place in a text; both count from 1, columns in UTF-16 code units as editors do. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

interface Problem {
  readonly file: string;
  readonly at: Position | undefined;
  readonly text: string;
}

/** Collects everything that is wrong with a registry, so that one run shows all of it. */
export class Problems {
  private readonly found: Problem[] = [];

  /** `text` names the value and the remedy; without `at` the problem is one of the file as a whole. */
  add(file: string, at: Position | undefined, text: string): void {
    this.found.push({ file, at, text });
  }

  /** @throws HmsSyncError `invalid_registry` with one line per problem, when there is any. */
  throwIfAny(): void {
    if (this.found.length > 0) throw this.error();
  }

  /** All that was found, as one error. */
  error(): HmsSyncError {
    const problems = [...new Set(this.found.toSorted(byPlace).map(lineOf))];
    const more = problems.length > maxShown ? [`and ${problems.length - maxShown} more problems`] : [];
    const message = [...problems.slice(0, maxShown), ...more].join("\n");
    return new HmsSyncError("invalid_registry", message, { details: { problems } });
  }
}

function byPlace(a: Problem, b: Problem): number {
  const { line = 0, column = 0 } = a.at ?? {};
  return a.file.localeCompare(b.file) || line - (b.at?.line ?? 0) || column - (b.at?.column ?? 0);
}

function lineOf({ file, at, text }: Problem): string {
  return at === undefined ? `${file}: ${text}` : `${file}:${at.line}:${at.column}: ${text}`;
}

/** Blanks that look like a space, and characters that show nothing or turn the writing direction. */
const unseen = /(?! )[\p{Zs}\p{Zl}\p{Zp}\p{Cf}\p{Cc}]/gu;

/** A value in quotes for a message, cut to 100 characters, with nothing in it that cannot be seen. */
export function shown(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? String(value));
  const quoted = JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
  return quoted.replace(
    unseen,
    (character) => `\\u${character.codePointAt(0)!.toString(16).padStart(4, "0")}`,
  );
}

/** A schema that cannot be used, and where, as far as that is known. */
export class SchemaProblem extends Error {
  constructor(
    readonly file: string,
    message: string,
    readonly at?: Position,
  ) {
    super(message);
    this.name = "SchemaProblem";
  }
}
