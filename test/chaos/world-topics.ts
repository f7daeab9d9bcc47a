/** Ordered by key, exactly once. */
export const STATUS = "inspections.status";
export const NOTES = "inspections.notes";
export const TOPICS: readonly string[] = [STATUS, NOTES];
/** Consumer of STATUS that lets leases lapse. */
export const PROBE = "probe";
/** Consumer of STATUS for which `order: key` holds. */
export const ORDERED = "city-health";

/** Of the probe's leases. */
export const ACK_WAIT_MS = 2_000;

export interface WorldOptionsOfTopics {
  /** Tries of an event before it is a dead letter; 1,000 unless given. */
  readonly maxDeliver?: number;
  /** Duration as in topics.yaml; 2s unless given. The probe's is always ACK_WAIT_MS. */
  readonly ackWait?: string;
  /** Duration as in topics.yaml; 7d unless given. */
  readonly retention?: string;
}

export const schema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  properties: { n: { type: "integer" }, key: { type: "string" } },
  required: ["n", "key"],
};

/** Text of topics.yaml of a world. */
export function topicsFile({
  maxDeliver = 1_000,
  ackWait = "2s",
  retention = "7d",
}: WorldOptionsOfTopics = {}): string {
  const consumer = (name: string, more = "", wait = ackWait) =>
    `    - { name: ${name}, ack_wait: ${wait}, backoff: [200ms, 1s], max_deliver: ${maxDeliver}${more} }\n`;
  const topic = (name: string, qos: string, consumers: string, more = "") =>
    `${name}:\n  qos: ${qos}\n  retention: ${retention}\n  schema: v1\n${more}  producers: [hms-api, laravel]\n  consumers:\n${consumers}`;
  return [
    topic(
      STATUS,
      "exactly_once",
      consumer(ORDERED, ", order: key") +
        consumer("ehr-clinic") +
        consumer(PROBE, ", run: 5", `${ACK_WAIT_MS}ms`),
      "  key: /key\n",
    ),
    topic(NOTES, "at_least_once", consumer("city-health") + consumer("treasury")),
  ].join("\n");
}
