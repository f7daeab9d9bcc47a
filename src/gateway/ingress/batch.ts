import { parseJson } from "../../envelope/json-text.js";
import {
  closeBrace,
  closeBracket,
  comma,
  openBrace,
  openBracket,
  quote,
  stringEnd,
} from "../../envelope/json-tokens.js";
import { HmsSyncError } from "../../errors.js";

/** Most events in one batch. */
export const maxBatch = 500;

/**
 * The texts of the events of a CloudEvents JSON batch. They are taken apart unread, so that what is wrong with one of
 * them is its own answer.
 * @throws HmsSyncError `malformed_json`, `invalid_batch` (400) when there is no event, `batch_too_long` (413).
 */
export function batchTexts(text: string): string[] {
  const batch = parseJson(text, "the batch");
  if (!Array.isArray(batch) || batch.length === 0) {
    const is = Array.isArray(batch) ? "is empty" : "is not a JSON array";
    throw new HmsSyncError("invalid_batch", `the batch ${is}; send an array of CloudEvents`, { status: 400 });
  }
  if (batch.length > maxBatch) throw tooLong(batch.length);
  return elementsOf(text);
}

/** The elements' own texts; `text` is a JSON array with at least one. */
function elementsOf(text: string): string[] {
  const elements: string[] = [];
  let start = text.indexOf("[") + 1;
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === quote) at = stringEnd(text, at) - 1;
    else if (char === openBrace || char === openBracket) depth++;
    else if (depth > 0 && (char === closeBrace || char === closeBracket)) depth--;
    else if (depth === 0 && (char === comma || char === closeBracket)) {
      elements.push(text.slice(start, at).trim());
      start = at + 1;
    }
  }
  return elements;
}

function tooLong(length: number): HmsSyncError {
  return new HmsSyncError(
    "batch_too_long",
    `the batch has ${length} events; send at most ${maxBatch} at a time`,
    { status: 413, details: { limit: maxBatch } },
  );
}
