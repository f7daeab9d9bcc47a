import { JsonText } from "../../../src/envelope/json-text.js";
import { normalizeEvent } from "../../../src/envelope/normalize.js";
import type { EventInput, LedgerEvent, TopicCatalogue } from "../../../src/envelope/types.js";
import { HmsSyncError } from "../../../src/errors.js";

export const plain: Omit<EventInput, "payload"> = {
  topic: "t",
  id: "e1",
  source: "hms-api",
  type: "Done",
  time: "2024-04-23T15:02:11Z",
};

/** Normalizes `payload` for the topic `t`. */
export function normalize(
  registry: TopicCatalogue,
  payload: string,
  changes: Partial<EventInput> = {},
): LedgerEvent {
  return normalizeEvent({ ...plain, payload, ...changes }, registry);
}

/** The payload's own text in an envelope. */
export function payloadOf({ text }: LedgerEvent): string {
  JSON.parse(text);
  const json = JsonText.scan(text, 100);
  return json.slice(json.member(0, "payload")!);
}

/** The error that `act` throws; fails when it throws none of ours. */
export function errorOf(act: () => unknown): HmsSyncError {
  try {
    act();
  } catch (error) {
    if (error instanceof HmsSyncError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
