import type { Topic } from "../types.js";
import type { Field, ListShape, ObjectShape, Shape } from "./shape.js";
import type { SchemaShapes } from "./shape-reader.js";

type SchemaObject = Readonly<Record<string, unknown>>;

const formats: Readonly<Record<string, string>> = {
  "date-time": "2024-04-23T15:02:11Z",
  date: "2024-04-23",
  time: "15:02:11Z",
  duration: "P1D",
  email: "someone@example.org",
  hostname: "example.org",
  ipv4: "192.0.2.1",
  ipv6: "2001:db8::1",
  uri: "https://example.org/",
  uuid: "01909a5e-0000-7000-8000-000000000000",
};

/** Nested deeper an object stays without what it may do without: schemas may refer to themselves. */
const fullDepth = 4;
const maxDepth = 12;

/**
 * A payload that the version's schema takes: the first of the schema's `examples` that does, else one made of the
 * examples, defaults and types of its fields. Undefined when none of these is taken, as where a pattern is asked for.
 */
export function examplePayload(topic: Topic, version: number, shapes: SchemaShapes): unknown {
  const { schema, validate } = topic.schemas.get(version)!;
  const { examples } = schema as SchemaObject;
  const candidates = [
    ...(Array.isArray(examples) ? examples : []),
    exampleOf(shapes.root, fullDepth),
    exampleOf(shapes.root, 0),
  ];
  return candidates.find((payload) => isObject(payload) && validate(payload).length === 0);
}

/** An envelope around the payload, as a consumer gets it. */
export function exampleEnvelope(topic: Topic, version: number, payload: unknown): SchemaObject {
  const time = "2024-04-23T15:02:11Z";
  const end = new Date(Date.parse(time) + Math.min(topic.retentionMs, 8e13));
  return {
    topic: topic.name,
    version,
    payload,
    qos: topic.qos,
    replayable_until: end.toISOString().replace(".000Z", "Z"),
    id: "01909a5e-0000-7000-8000-000000000000",
    source: topic.producers[0] ?? "cli",
    type: topic.name,
    time,
  };
}

/** `full`: how many levels of objects get their optional fields too. */
function exampleOf(shape: Shape, full: number, about?: Field["about"], depth = 0): unknown {
  const given = about === undefined ? [] : [...about.examples, ...about.defaults];
  if (given.length > 0) return given[0];
  switch (shape.kind) {
    case "values":
      return shape.values[0];
    case "union":
      return exampleOf(shape.of.find(({ kind }) => kind !== "null") ?? shape.of[0]!, full, about, depth);
    case "object":
      return depth > maxDepth ? {} : objectExample(shape.object, full, depth);
    case "list":
      return depth > maxDepth ? [] : listExample(shape, full, depth);
    case "map":
    case "any":
      return {};
    case "null":
    case "never":
      return null;
    case "boolean":
      return true;
    case "number":
      return numberExample(about);
    case "string":
      return textExample(shape.format, about);
  }
}

function objectExample({ fields }: ObjectShape, full: number, depth: number): SchemaObject {
  const shown = fields.filter(({ required, shape }) => required || (full > 0 && shape.kind !== "never"));
  return Object.fromEntries(
    shown.map(({ name, shape, about }) => [name, exampleOf(shape, full - 1, about, depth + 1)]),
  );
}

function listExample({ first, least, rest }: ListShape, full: number, depth: number): unknown[] {
  const open = rest.kind !== "never";
  const length = Math.max(full > 0 ? first.length || Number(open) : 0, Math.min(least, 100));
  const element = (index: number) => exampleOf(first[index] ?? rest, full - 1, undefined, depth + 1);
  return Array.from({ length }, (_, index) => element(index));
}

function numberExample(about: Field["about"] | undefined): number {
  const { least, above, most, below, step } = about?.bounds ?? {};
  const low = least ?? (above === undefined ? undefined : above + 1);
  const high = most ?? (below === undefined ? undefined : below - 1);
  const wanted = step === undefined ? 1 : step;
  const number = Math.min(Math.max(wanted, low ?? wanted), high ?? Number.POSITIVE_INFINITY);
  return step === undefined ? number : Math.ceil(number / step) * step;
}

function textExample(format: string | undefined, about: Field["about"] | undefined): string {
  const { shortest = 0, longest } = about?.bounds ?? {};
  const text =
    (format === undefined ? undefined : formats[format]) ?? "text".padEnd(Math.min(shortest, 10_000), "t");
  return longest === undefined || format !== undefined ? text : text.slice(0, longest);
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
