import { invalidOption } from "../errors.js";
import { memberSpan } from "../json-scan.js";
import { ValueFault } from "./column-type.js";

/** The fields of an envelope that a column may come from. */
export interface EventFields {
  readonly id: string;
  readonly topic: string;
  readonly version: number;
  readonly source: string;
  readonly time: string;
  readonly type?: string;
  readonly subject?: string;
  readonly replayable_until?: string;
  readonly traceparent?: string;
}

/** A message, or an envelope by itself. */
export type MappedEvent = EventFields | { readonly envelope: EventFields };

/** The JSON text of a field; undefined when it is absent. @throws ValueFault when it cannot be there. */
export type Source = (payload: string, event: MappedEvent | undefined) => string | undefined;

const FIELDS: readonly string[] = [
  ...["id", "topic", "version", "source", "time", "type", "subject", "replayable_until", "traceparent"],
];

/** Where `from` points; what is wrong with it otherwise. */
export function readerOf(from: string): Source | string {
  if (from.startsWith("/")) {
    return payloadReader(
      from
        .slice(1)
        .split("/")
        .map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~")),
    );
  }
  const [root, ...names] = from.split(".");
  if (names.length === 0 || names.includes("")) return unreadable(from);
  if (root === "payload") return payloadReader(names);
  if (root !== "envelope") return unreadable(from);
  const [field = ""] = names;
  if (names.length > 1 || !FIELDS.includes(field)) {
    return `from ${JSON.stringify(from)} is no field of the envelope; there are ${FIELDS.join(", ")}`;
  }
  return envelopeReader(field as keyof EventFields);
}

function unreadable(from: string): string {
  return `from ${JSON.stringify(from)} is no field; write payload.amount, /address/zip or envelope.id`;
}

/** Slices the value out of the payload's text: parsed, a number would be a float. */
function payloadReader(names: readonly string[]): Source {
  return (payload) => {
    let text: string | undefined = payload;
    for (const name of names) {
      if (text === undefined || text === "null") return undefined;
      if (!text.trimStart().startsWith("{")) throw new ValueFault(`no object where ${name} should be in`);
      const span = memberSpan(text, name);
      text = span === undefined ? undefined : text.slice(span.start, span.end);
    }
    return text;
  };
}

function envelopeReader(field: keyof EventFields): Source {
  return (_payload, event) => {
    if (event === undefined) {
      throw invalidOption(
        "event",
        event,
        `a column comes from envelope.${field}: give rowOf the message, too`,
      );
    }
    const value = ("envelope" in event ? event.envelope : event)[field];
    return value === undefined ? undefined : JSON.stringify(value);
  };
}
