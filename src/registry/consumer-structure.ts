import { day, duration, expect, named, version, wholeNumber } from "./expected.js";

/** Options that `$defaults` may have, too. */
export const consumerOptions = {
  start: {
    enum: ["now", "window"],
    default: "window",
    examples: ["now"],
    description:
      "Where a new consumer begins: with the oldest event still in the ledger, or with the next one. Says nothing to a consumer that has joined.",
    ...expect("a start", "now or window"),
  },
  ack_wait: {
    ...duration(100, day, "30s"),
    default: "30s",
    description: "How long an adapter has to settle an event before it comes again.",
  },
  max_deliver: {
    ...wholeNumber(1, 1000, 20),
    default: 20,
    description: "Attempts after which an event becomes a dead letter.",
  },
  backoff: {
    type: "array",
    minItems: 1,
    maxItems: 20,
    items: duration(1, 7 * day, "5s"),
    default: ["1s", "5s", "30s", "5m", "1h"],
    examples: [["1s", "5s", "30s"]],
    description: "Waiting time before the second attempt, the third and so on; the last one repeats.",
    ...expect("a list of 1 to 20 durations", "one like [1s, 5s, 30s]"),
  },
  max_in_flight: {
    ...wholeNumber(1, 100_000, 256),
    description: "Most events it may hold unsettled at once. Absent: any number.",
  },
  run: {
    ...wholeNumber(1, 500, 500),
    default: 500,
    description: "Most events handed out as one run.",
  },
};

/** A consumer of a topic: its name, or its name with options. */
export const consumer = named({
  version: {
    ...version,
    description:
      "Version of the schema it is given every event in. Absent: the one that was current when it joined, which the bus keeps.",
  },
  ...consumerOptions,
  order: {
    enum: ["none", "key"],
    default: "none",
    examples: ["key"],
    description:
      "key: the next event of a key is not handed out before the earlier one is settled, retries included; other keys flow on. Needs key of the topic.",
    ...expect("an order", "none or key"),
  },
  filter: {
    type: "object",
    filter: true,
    minProperties: 1,
    examples: [{ newStatus: { $in: ["Completed", "Closed"] } }],
    description: "Only events whose payload, in the consumer's version, matches are owed. See Filters.",
    ...expect("a filter", "a field of the payload with its value below it, like newStatus: Completed"),
  },
  qos: {
    description: "Only the topic's own QoS, since it is one per topic; leave it out.",
  },
});
