import type { Envelope } from "@hms-sync/client";

const windowMs = 7 * 24 * 3_600_000;

/** The envelope that a sample comes in: what mapping.yaml takes from `envelope.…`. */
export function sampleEvent(topic: string, now = new Date()): Omit<Envelope, "payload"> {
  return {
    topic,
    version: 1,
    qos: "exactly_once",
    id: "sample-1",
    source: "sample",
    type: topic,
    time: now.toISOString(),
    replayable_until: new Date(now.getTime() + windowMs).toISOString(),
  };
}
