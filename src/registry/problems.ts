import { HmsSyncError } from "../errors.js";

const maxShown = 50;

/** Collects everything that is wrong with a registry, so that one run shows all of it. */
export class Problems {
  private readonly found: { file: string; line: number; text: string }[] = [];

  /** `text` names the value and the remedy; `line` counts from 1, 0 is the file as a whole. */
  add(file: string, line: number, text: string): void {
    this.found.push({ file, line, text });
  }

  /** @throws HmsSyncError `invalid_registry` with one line per problem, when there is any. */
  throwIfAny(): void {
    if (this.found.length > 0) throw this.error();
  }

  /** All that was found, as one error. */
  error(): HmsSyncError {
    const lines = this.found
      .toSorted((a, b) => a.file.localeCompare(b.file) || a.line - b.line)
      .map(({ file, line, text }) => (line > 0 ? `${file}:${line}: ${text}` : `${file}: ${text}`));
    const problems = [...new Set(lines)];
    const more = problems.length > maxShown ? [`and ${problems.length - maxShown} more problems`] : [];
    const message = [...problems.slice(0, maxShown), ...more].join("\n");
    return new HmsSyncError("invalid_registry", message, { details: { problems } });
  }
}

/** A value in quotes for a message, cut to 100 characters. */
export function shown(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? String(value));
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
}

/** A schema that cannot be used, and where. */
export class SchemaProblem extends Error {
  constructor(
    readonly file: string,
    message: string,
  ) {
    super(message);
    this.name = "SchemaProblem";
  }
}
