import { consumer, consumerOptions } from "./consumer-structure.js";
import { day, duration, expect, mebibyte, named, version } from "./expected.js";

const producer = named({
  version: {
    ...version,
    description:
      "Version of its events that state none, such as those of a Laravel application. Absent: the current one.",
  },
});

const topic = {
  type: "object",
  properties: {
    qos: {
      enum: ["at_least_once", "exactly_once"],
      examples: ["exactly_once"],
      description: "Whether an event may come more than once; one QoS per topic.",
      ...expect("a QoS", "at_least_once or exactly_once"),
    },
    retention: {
      ...duration(1000, 3650 * day, "7d"),
      description: "The replay window: how long events stay in the ledger.",
    },
    schema: {
      ...version,
      description:
        "Version that new events get: vN is schemas/<topic>/vN.json. Older versions are taken while their files are there.",
    },
    producers: {
      type: "array",
      maxItems: 1000,
      items: producer,
      examples: [["hms-api", { name: "old-app", version: "v1" }]],
      description: "Systems that may publish.",
      ...expect("a list of producers", "one like [hms-api]"),
    },
    consumers: {
      type: "array",
      maxItems: 1000,
      items: consumer,
      examples: [["city-health", { name: "ehr-clinic", version: "v1" }]],
      description: "Systems that are owed every event, but for their own and those their filter leaves out.",
      ...expect("a list of consumers", "one like [city-health]"),
    },
    key: {
      type: "string",
      pattern: "^(?:/(?:[^~/]|~[01])*)+$",
      examples: ["/inspectionId"],
      description: "JSON Pointer to the ordering key in the payload; the current schema must describe it.",
      ...expect("a JSON Pointer", "one like /inspectionId"),
    },
    laravel: {
      type: "object",
      properties: {
        event: {
          type: "string",
          pattern: "^[^\\u0000-\\u0020]{1,512}$",
          examples: ["App\\Events\\InspectionCompleted"],
          description: "Class of the event that a listening Laravel application fires.",
          ...expect("the name of an event", "one like App\\Events\\InspectionCompleted"),
        },
      },
      required: ["event"],
      additionalProperties: false,
      examples: [{ event: "App\\Events\\InspectionCompleted" }],
      description: "What a Laravel application makes of the topic's events.",
      ...expect("a mapping", "event: and the event's class name below it"),
    },
  },
  required: ["qos", "retention", "schema", "producers", "consumers"],
  additionalProperties: false,
  ...expect("a topic's entry", "qos, retention, schema, producers and consumers below it"),
};

/**
 * JSON Schema (2020-12) of topics.yaml; `expected`, `duration`, `size` and `filter` are keywords of our own. The schema
 * for editors and the reference page are made from it.
 */
export const topicsSchema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: "topics.yaml",
  description: "The topics of a bus: who produces them, who consumes them, and what is promised.",
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
            examples: ["America/Chicago"],
            description: "Time zone of the system's date-times that have no offset.",
            ...expect("a time zone", "an IANA name like America/Chicago"),
          },
          rate: {
            type: "string",
            pattern: "^(?:none|[1-9][0-9]{0,5}/[sm])$",
            examples: ["50/s"],
            description:
              "Most events that the system may post, per second or minute and sidecar; none for no limit.",
            ...expect("a rate", "one like 50/s or 600/m, or none"),
          },
          body_limit: {
            size: { minimum: 1, maximum: 512 * mebibyte }, // the largest string Redis stores (proto-max-bulk-len)
            examples: ["64KiB"],
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
