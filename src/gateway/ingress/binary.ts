import type { IncomingMessage } from "node:http";
import { decodeUtf8 } from "../../envelope/wire.js";
import {
  contextOf,
  type EventContext,
  invalidAttribute,
  invalidCloudEvent,
  isAttributeName,
} from "./cloudevent.js";

/** Headers by their lower-case name, each with all its values, as `IncomingMessage.headersDistinct` has them. */
export type DistinctHeaders = IncomingMessage["headersDistinct"];

const prefix = "ce-";

/**
 * What the `ce-` headers of a binary event say; its payload is the body.
 * @throws HmsSyncError as `contextOf`.
 */
export function binaryContext(headers: DistinctHeaders): EventContext {
  const attributes = new Map<string, string>();
  for (const [header, values] of Object.entries(headers)) {
    if (!header.startsWith(prefix) || values === undefined) continue;
    const name = header.slice(prefix.length);
    if (!isAttributeName(name)) throw invalidAttribute("the header", header, "letters and digits after ce-");
    if (values.length > 1) throw invalidCloudEvent(`the header ${header} is there twice; send it once`);
    attributes.set(name, headerText(header, values[0]!));
  }
  return contextOf(attributes);
}

/** CloudEvents HTTP binding 3.1.3.2: a quoted string is unquoted, then one round of percent-decoding. */
function headerText(header: string, value: string): string {
  if (/[^\x20-\x7e]/.test(value)) {
    throw invalidCloudEvent(
      `the header ${header} holds characters beyond ASCII; percent-encode them as UTF-8`,
    );
  }
  const quoted = /^"((?:[^"\\]|\\.)*)"$/.exec(value)?.[1];
  const text = quoted === undefined ? value : quoted.replace(/\\(.)/g, "$1");
  if (/%(?![0-9a-f]{2})/i.test(text)) {
    throw invalidCloudEvent(`the header ${header} holds a % that begins no percent-encoding; send it as %25`);
  }
  return decodeUtf8(percentDecoded(text), `the header ${header}`);
}

function percentDecoded(text: string): Buffer {
  return Buffer.from(
    text.replace(/%([0-9a-f]{2})/gi, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    "latin1",
  );
}
