import type { Expected } from "../expected.js";

/** What the reference page reads of an option's schema. */
export interface OptionSchema {
  readonly expected?: Expected;
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
}

export interface MappingSchema {
  readonly properties: Readonly<Record<string, OptionSchema>>;
  readonly required?: readonly string[];
}

/** A section of the reference page for the options of one mapping, but for those that are known to be refused. */
export function optionsSection({ properties, required = [] }: MappingSchema, level: number): string {
  return Object.entries(properties)
    .filter(([, { expected }]) => expected !== undefined)
    .map(([name, schema]) => optionEntry(name, schema, required.includes(name), level))
    .join("\n\n");
}

function optionEntry(name: string, schema: OptionSchema, required: boolean, level: number): string {
  const { expected, description, examples = [] } = schema;
  const unset = schema.default === undefined ? "Optional." : `Default: ${inline(schema.default)}.`;
  const facts = [
    `- ${required ? "Required." : unset} It is ${code(expected!.what)}; else: write ${code(expected!.write)}`,
    ...examples.map((example) => `- \`${name}: ${asFlow(example)}\``),
  ];
  return `${"#".repeat(level)} \`${name}\`\n\n${code(description!)}\n\n${facts.join("\n")}`;
}

function inline(value: unknown): string {
  return `\`${asFlow(value)}\``;
}

/** A value as YAML in one line, in the part of YAML that needs no quotes where it can. */
export function asFlow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(asFlow).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).map(([name, inner]) => `${asFlow(name)}: ${asFlow(inner)}`);
    return `{ ${members.join(", ")} }`;
  }
  const text = String(value);
  return typeof value === "string" && !/^[$\w/][\w./\\$-]*$/.test(text) ? JSON.stringify(text) : text;
}

/** Text that Markdown shows as it is: placeholders in angle brackets would be taken for HTML. */
function code(text: string): string {
  return text.replaceAll(
    /\S*<\w+>\S*/g,
    (path) => `\`${path.replace(/[.:;,]$/, "")}\`${/[.:;,]$/.exec(path)?.[0] ?? ""}`,
  );
}
