/** A segment: its name, and fields of components. `fields[5]` of MSH is MSH-5, of any other its fifth. */
export interface Segment {
  readonly name: string;
  readonly fields: readonly (readonly string[])[];
}

const delimiters: Readonly<Record<string, string>> = { F: "|", S: "^", T: "&", R: "~", E: "\\" };

/** A message as a reader with the usual delimiters reads it. Throws for one that is not whole. */
export function parseMessage(text: string): Segment[] {
  if (!text.startsWith("MSH|^~\\&|") || !text.endsWith("\r")) throw new Error("no whole message");
  return text.slice(0, -1).split("\r").map(parseSegment);
}

/** Component `component` (1 unless given) of the field, of the first segment of that name; "" where it is empty. */
export function fieldOf(message: readonly Segment[], name: string, field: number, component = 1): string {
  const segment = message.find((each) => each.name === name);
  if (segment === undefined) throw new Error(`there is no segment ${name}`);
  return segment.fields[field]?.[component - 1] ?? "";
}

function parseSegment(text: string): Segment {
  const [name = "", ...texts] = text.split("|");
  const fields = texts.map((field) => field.split("^").map(unescaped));
  const before = name === "MSH" ? [[], ["|"]] : [[]]; // MSH-1 is the delimiter itself
  return { name, fields: [...before, ...fields] };
}

function unescaped(text: string): string {
  return text.replace(/\\([FSTRE]|X[0-9A-F]{2})\\/g, (_whole, code: string) =>
    code.startsWith("X") ? String.fromCharCode(Number.parseInt(code.slice(1), 16)) : delimiters[code]!,
  );
}
