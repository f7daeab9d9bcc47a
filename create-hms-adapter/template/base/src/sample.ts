import type { Envelope } from "@hms-sync/client";

/** The envelope that a sample comes in: what mapping.yaml takes from `envelope.…`. */
export function sampleEvent(topic: string): Omit<Envelope, "payload"> {
  return {
    topic,
    version: 1,
    qos: "exactly_once",
    id: "sample-1",
    source: "sample",
    type: topic,
    time: "2024-04-23T15:02:11Z",
    replayable_until: "2124-04-23T15:02:11Z",
  };
}
