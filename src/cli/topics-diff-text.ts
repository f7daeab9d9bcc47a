import type { Level, Notice, RegistryDiff, SchemaDiff } from "../registry/diff/report.js";
import type { Change } from "../registry/diff/types.js";
import { type Output, paint } from "./output.js";
import { counted, printable } from "./text.js";

/** What was compared with what. */
export interface Compared {
  readonly file: string;
  readonly against: string;
  /** Whether a bus said what it owes. */
  readonly bus: boolean;
}

const headings: Readonly<Record<Level, string>> = {
  breaks: "BREAKS",
  warning: "WARNINGS",
  change: "CHANGES",
};
const levels = ["breaks", "warning", "change"] as const;

/** The comparison for a person: what breaks first, then what is worth a look, then the rest and the schemas. */
export function diffInWords(diff: RegistryDiff, { file, against }: Compared, output: Output): string {
  const head = `${printable(file)} against ${printable(against)}: ${summary(diff)}`;
  const lists = levels.map((level) => noticeList(level, diff.notices, output));
  return [head, ...lists, schemaList(diff)].filter(Boolean).join("\n\n");
}

function summary({ notices, schemas }: RegistryDiff): string {
  const count = (level: Level) => notices.filter((notice) => notice.level === level).length;
  if (notices.length + schemas.length === 0) return "no difference";
  const breaks = count("breaks");
  return [
    breaks === 0 ? "breaks nobody" : `${counted(breaks, "problem")}, not to be merged`,
    counted(count("warning"), "warning"),
    counted(count("change"), "change"),
  ].join(", ");
}

function noticeList(level: Level, notices: readonly Notice[], output: Output): string {
  const lines = notices.filter((notice) => notice.level === level).flatMap(noticeLines);
  if (lines.length === 0) return "";
  const heading = level === "breaks" ? paint(output, "red", headings[level]) : headings[level];
  return [heading, ...lines].join("\n");
}

function noticeLines({ topic, text, remedy }: Notice): string[] {
  const where = topic === undefined ? "" : `${topic}: `;
  return [
    printable(`  ${where}${text}`),
    ...(remedy === undefined ? [] : [printable(`    to do: ${remedy}`)]),
  ];
}

function schemaList({ schemas, transitive }: RegistryDiff): string {
  if (schemas.length === 0) return "";
  const whole = [...transitive].map(([topic, one]) => `  ${topic}: ${one} against every listed version`);
  return ["SCHEMAS", ...schemas.flatMap(schemaLines), ...whole].join("\n");
}

function schemaLines(diff: SchemaDiff): string[] {
  const { topic, from, to, casts, consumers } = diff;
  const versions = from === to ? `v${from} changed in place` : `v${from} to v${to}`;
  const given = consumers.map(({ name, version }) => `${name} v${version}`).join(", ") || "nobody";
  const cast = from === to ? "" : `; casts: ${casts.join(" and ") || "none"}`;
  return [
    printable(`  ${topic} ${versions}: ${diff.class}${cast}; given to ${given}`),
    ...diff.changes.map(changeLine),
  ];
}

function changeLine({ path, what, breaks, lenient }: Change): string {
  const kind = breaks === "none" ? "breaks nothing" : `breaks ${breaks}${lenient ? ", by chance only" : ""}`;
  return printable(`    ${path || "the payload"} ${what} (${kind})`);
}

/** The comparison for programs. `ok` is false when the exit code is 1. */
export function diffJson(diff: RegistryDiff, { file, against, bus }: Compared): Record<string, unknown> {
  const of = (wanted: Level) =>
    diff.notices.filter(({ level }) => level === wanted).map(({ level: _, ...notice }) => notice);
  return {
    ok: of("breaks").length === 0,
    file,
    against,
    bus,
    breaks: of("breaks"),
    warnings: of("warning"),
    changes: of("change"),
    schemas: diff.schemas.map((schema) => ({ ...schema, transitive: diff.transitive.get(schema.topic) })),
  };
}
