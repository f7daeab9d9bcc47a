import type { Column } from "./columns.js";

/** What is written of one topic's events. */
export interface TableMapping {
  readonly topic: string;
  readonly table: string;
  readonly key: readonly string[];
  readonly columns: readonly Column[];
}

const head = `# What an event becomes: one entry a topic. README.md tells every option.
# Names are written to the database as they stand here: write them as it has them, capitals included.
`;

/** The text of mapping.yaml. */
export function mappingFile(mappings: readonly TableMapping[]): string {
  return [head, ...mappings.map(entryOf)].join("\n");
}

function entryOf({ topic, table, key, columns }: TableMapping): string {
  const lines = columns.map(
    (column) => [`    ${column.proposed ? "# " : ""}${lineOf(column)}`, column.about] as const,
  );
  const width = Math.min(90, Math.max(...lines.map(([line]) => line.length)));
  const told = lines.map(([line, about]) =>
    about === undefined ? line : `${line.padEnd(width)}  # ${oneLine(about)}`,
  );
  return [
    `${scalar(topic)}:`,
    `  table: ${scalar(table)}`,
    `  key: [${key.map(scalar).join(", ")}]  # a row with this key is changed, else one is inserted; it needs a unique index`,
    "  columns:",
    ...told,
    "",
  ].join("\n");
}

function lineOf({ name, from, type, required }: Column): string {
  const options = [`from: ${scalar(from)}`, `type: ${scalar(type)}`, ...(required ? ["required: true"] : [])];
  return `${scalar(name)}: {${options.join(", ")}}`;
}

const special = /^(true|false|null|yes|no|on|off|y|n|~)$/i;

/** A YAML scalar that every reader takes for this text, also between braces. */
function scalar(text: string): string {
  return /^[A-Za-z_][\w./()-]*$/.test(text) && !special.test(text) ? text : JSON.stringify(text);
}

function oneLine(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, " ").trim();
  return line.length > 100 ? `${line.slice(0, 99)}…` : line;
}
