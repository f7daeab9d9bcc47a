/** What a value must be and how to write one: the two halves of an error message, and of the reference page. */
interface Expected {
  readonly what: string;
  readonly write: string;
}

const expect = (what: string, write: string): { expected: Expected } => ({ expected: { what, write } });

const name = {
  type: "string",
  pattern: "^[a-z0-9][a-z0-9._-]{0,99}$",
  ...expect("a name", "lower-case letters, digits, dots, hyphens and underscores, like city-health"),
};

/** `duration` is a keyword of structure-check.ts, with its bounds in milliseconds. */
const duration = (minimum: number, maximum: number, example: string) => ({
  duration: { minimum, maximum },
  ...expect(`a duration from ${inWords(minimum)} to ${inWords(maximum)}`, `one like ${example}`),
});

const day = 86_400_000;
const mebibyte = 1_048_576;

const consumerOptions = {
  start: {
    enum: ["now", "window"],
    default: "window",
    description:
      "Where a new consumer begins: with the oldest event still in the ledger, or with the next one.",
    ...expect("a start", "now or window"),
  },
  ack_wait: {
    ...duration(100, day, "30s"),
    default: "30s",
    description: "How long an adapter has to settle an event before it comes again.",
  },
  max_deliver: {
    type: "integer",
    minimum: 1,
    maximum: 1000,
    default: 20,
    description: "Attempts after which an event becomes a dead letter.",
    ...expect("a whole number from 1 to 1000", "one like 20"),
  },
  backoff: {
    type: "array",
    minItems: 1,
    maxItems: 20,
    items: duration(1, 7 * day, "5s"),
    default: ["1s", "5s", "30s", "5m", "1h"],
    description: "Waiting time before the second attempt, the third and so on; the last one repeats.",
    ...expect("a list of 1 to 20 durations", "one like [1s, 5s, 30s]"),
  },
  max_in_flight: {
    type: "integer",
    minimum: 1,
    maximum: 100_000,
    description: "Most events it may hold unsettled at once. Absent: any number.",
    ...expect("a whole number from 1 to 100000", "one like 256"),
  },
  run: {
    type: "integer",
    minimum: 1,
    maximum: 500,
    default: 500,
    description: "Most events handed out as one run.",
    ...expect("a whole number from 1 to 500", "one like 500"),
  },
};

const version = {
  type: "string",
  pattern: "^v[1-9][0-9]{0,3}$",
  ...expect("a version", "one like v1"),
};

/** A system's name, or a mapping with its name and options. */
const named = (options: object) => ({
  if: { type: "object" },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  then: {
    type: "object",
    properties: { name, ...options },
    required: ["name"],
    additionalProperties: false,
  },
  else: name,
});

const producer = named({
  version: {
    ...version,
    description:
      "Version of its events that state none, such as those of a Laravel application. Absent: the current one.",
  },
});

const consumer = named({
  version: {
    ...version,
    description:
      "Version it is given every event in. Absent: the one that was current when it joined, which the bus keeps.",
  },
  ...consumerOptions,
  order: {
    enum: ["none", "key"],
    default: "none",
    description:
      "key: the next event of a key is not handed out before the earlier one is settled; needs key: of the topic.",
    ...expect("an order", "none or key"),
  },
  filter: {
    type: "object",
    minProperties: 1,
    description: "Only events whose payload, in the consumer's version, matches are owed.",
    ...expect("a filter", "a field of the payload with its value below it, like newStatus: Completed"),
  },
  qos: { description: "Only the topic's own QoS: it is one per topic." },
});

const topic = {
  type: "object",
  properties: {
    qos: {
      enum: ["at_least_once", "exactly_once"],
      description: "Whether an event may come more than once; one QoS per topic.",
      ...expect("a QoS", "at_least_once or exactly_once"),
    },
    retention: {
      ...duration(1000, 3650 * day, "7d"),
      description: "The replay window: how long events stay in the ledger.",
    },
    schema: {
      ...version,
      description: "Version that new events get: vN is schemas/<topic>/vN.json.",
    },
    producers: {
      type: "array",
      maxItems: 1000,
      items: producer,
      description: "Systems that may publish.",
      ...expect("a list of producers", "one like [hms-api]"),
    },
    consumers: {
      type: "array",
      maxItems: 1000,
      items: consumer,
      description: "Systems that are owed every event.",
      ...expect("a list of consumers", "one like [city-health]"),
    },
    key: {
      type: "string",
      pattern: "^(?:/(?:[^~/]|~[01])*)+$",
      description: "JSON Pointer to the ordering key in the payload.",
      ...expect("a JSON Pointer", "one like /inspectionId"),
    },
    laravel: {
      type: "object",
      properties: {
        event: {
          type: "string",
          pattern: "^[^\\u0000-\\u0020]{1,512}$",
          description: "Event that a listening Laravel application fires.",
          ...expect("the name of an event", "one like App\\Events\\InspectionCompleted"),
        },
      },
      required: ["event"],
      additionalProperties: false,
      ...expect("a mapping", "event: and the event's class name below it"),
    },
  },
  required: ["qos", "retention", "schema", "producers", "consumers"],
  additionalProperties: false,
  ...expect("a topic's entry", "qos, retention, schema, producers and consumers below it"),
};

/** JSON Schema (2020-12) of topics.yaml; `expected`, `duration` and `size` are keywords of our own. */
export const topicsSchema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: "topics.yaml",
  type: "object",
  properties: {
    $defaults: {
      type: "object",
      properties: consumerOptions,
      additionalProperties: false,
      description: "Options of every consumer that does not say otherwise.",
      ...expect("a mapping", "consumer options like ack_wait: 30s below it"),
    },
    $systems: {
      type: "object",
      additionalProperties: {
        type: "object",
        properties: {
          timezone: {
            type: "string",
            description: "Time zone of the system's date-times that have no offset.",
            ...expect("a time zone", "an IANA name like America/Chicago"),
          },
          rate: {
            type: "string",
            pattern: "^(?:none|[1-9][0-9]{0,5}/[sm])$",
            description:
              "Most events that the system may post, per second or minute and sidecar; none for no limit.",
            ...expect("a rate", "one like 50/s or 600/m, or none"),
          },
          body_limit: {
            size: { minimum: 1, maximum: 512 * mebibyte }, // the largest string Redis stores (proto-max-bulk-len)
            description: "Largest body of a request with which the system posts events.",
            ...expect("a size from 1B to 512MiB", "one like 64KiB"),
          },
        },
        additionalProperties: false,
        ...expect("a mapping", "timezone:, rate: or body_limit: below it"),
      },
      description: "What is to be known of a system.",
      ...expect("a mapping", "a system's name and its timezone, rate or body_limit below it"),
    },
  },
  additionalProperties: topic,
  ...expect("a mapping of topics", "a topic's name with its entry below it"),
};

function inWords(ms: number): string {
  if (ms % day === 0) return `${ms / day}d`;
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}
