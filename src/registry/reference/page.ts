import { topicsSchema } from "../structure.js";
import { combinations, operators } from "./filter-schema.js";
import { type MappingSchema, optionsSection } from "./options.js";

/** Mappings of `topicsSchema` whose options the page describes. */
interface NamedSchema {
  readonly items: { readonly then: MappingSchema };
}

/** The reference page of topics.yaml in Markdown, made from `topicsSchema`. */
export function referencePage(): string {
  const { additionalProperties: topic, properties } = topicsSchema;
  const { $defaults, $systems } = properties;
  const producer = (topic.properties.producers as unknown as NamedSchema).items.then;
  const consumer = (topic.properties.consumers as unknown as NamedSchema).items.then;
  const laravel = topic.properties.laravel as unknown as MappingSchema;
  return [
    intro,
    `## A topic\n\n${topicIntro}`,
    optionsSection(topic as unknown as MappingSchema, 3),
    `## \`laravel\`\n\n${optionsSection(laravel, 3)}`,
    `## A producer\n\n${producerIntro}\n\n${optionsSection(producer, 3)}`,
    `## A consumer\n\n${consumerIntro}\n\n${optionsSection(consumer, 3)}`,
    `## Filters\n\n${filterIntro}\n\n${table("operator", operators)}\n\n${table("combination", combinations)}\n\n${filterRules}`,
    `## \`$defaults\`\n\n${$defaults.description} It may have ${listed(Object.keys($defaults.properties))}; each as for a consumer.\n\n${defaultsExample}`,
    `## \`$systems\`\n\n${$systems.description}\n\n${systemsExample}\n\n${optionsSection($systems.additionalProperties as unknown as MappingSchema, 3)}`,
    refusals,
    yamlPart,
    limits,
  ]
    .join("\n\n")
    .concat("\n");
}

const intro = `# topics.yaml

<!-- Made by \`npm run docs\` from src/registry; do not edit. -->

One file governs the bus: its topics, who produces and who consumes them, and what is promised. The payload schemas are beside it
in \`schemas/\`. \`hms-sync topics validate\` checks all of it; a file with an error is refused whole, each problem with file, line, column, the
value and the remedy:

\`\`\`
topics.yaml:2:8: qos of inspections.status "exactly-once" is not a QoS; write at_least_once or exactly_once
\`\`\`

Editors with a YAML language server complete and check the file by this line at its top (the path is relative to the file):

\`\`\`yaml
# yaml-language-server: $schema=docs/topics.schema.json
\`\`\``;

const topicIntro = `A key of the file that does not begin with \`$\` is a topic: lower-case letters, digits, dots, hyphens and underscores, at most 100, not beginning
with a prefix of Laravel's channel names (\`private-\`, \`presence-\`). Below it:

\`\`\`yaml
inspections.status:
  qos: exactly_once
  retention: 7d
  schema: v2
  key: /inspectionId
  producers: [hms-api, { name: old-app, version: v1 }]
  consumers:
    - city-health
    - { name: ehr-clinic, version: v1, order: key, max_in_flight: 100, filter: { newStatus: { $in: [Completed, Closed] } } }
\`\`\``;

const producerIntro = "A name, or a mapping:";
const consumerIntro =
  "A name, or a mapping. A name alone has every option at its default, or at that of `$defaults`:";

const filterIntro = `A filter names fields of the payload, each with a value or operators; all of them must match. A field is a name, or a JSON Pointer such as
\`/address/zip\`. A filter is checked when the file is: its fields must be described by the schema of the consumer's version.

\`\`\`yaml
filter:
  newStatus: { $in: [Completed, Closed] }
  "/address/zip": { $startsWith: "606" }
\`\`\``;

const filterRules = `A number is never equal to a text. An absent field matches only \`$exists: false\`, \`$ne\` and \`$not\`. At most 8 levels, 100 conditions, 1,000 values of
\`$in\`.`;

const defaultsExample = "```yaml\n$defaults: { ack_wait: 1m, max_deliver: 10 }\n```";
const systemsExample =
  "```yaml\n$systems:\n  hms-api: { timezone: America/Chicago, rate: 50/s, body_limit: 64KiB }\n```";

const refusals = `## What else is refused

| what                                                                    | remedy                                                                   |
| ----------------------------------------------------------------------- | ------------------------------------------------------------------------ |
| a topic, a key, or a name in one list twice                             | keep one                                                                 |
| a key that is not known                                                 | the one that was meant is named: \`did you mean qos?\`                   |
| a consumer with another QoS than its topic                              | leave \`qos\` to the topic                                               |
| a schema file that is missing, or is no JSON Schema                     | the message names file, line and column                                  |
| a \`version\` above \`schema\`, or one whose file is gone               | write one that is listed, or bring the file back                         |
| a pinned \`version\` that payloads of a listed version cannot be cast to | write the steps into \`schemas/<topic>/vN.casts.yaml\`, see [versions](versions.md) |
| \`order: key\` on a topic without \`key\`                               | add \`key\` to the topic                                                 |
| a \`key\` or a field of a \`filter\` that the schema does not describe   | write the path of a property                                             |
| a system in \`$systems\` that is in no topic; a time zone that is none    | the one that was meant is named                                          |`;

const yamlPart = `## The part of YAML that is taken

One document of mappings, lists and scalars in YAML 1.2, so that what a line says is seen on that line. Refused with their place: anchors, aliases, merge
keys (\`<<\`), tags (\`!!js\`), directives, a second document, the same key twice, tabs as indentation, mappings as keys.

\`no\`, \`yes\`, \`on\` and \`off\` are text, and so are \`12:30\` and \`2024-01-01\`. Digits, \`true\`, \`false\` and \`null\` are not: as a name they need quotes.`;

const limits = `## Limits

topics.yaml and each file below \`schemas/\`: 1 MiB, UTF-8. 1,000 topics; 1,000 producers and 1,000 consumers of a topic; 100 versions of a topic; 20 levels
of YAML, 64 of JSON.`;

function table(first: string, entries: Readonly<Record<string, { readonly description: string }>>): string {
  const rows = Object.entries(entries).map(([name, { description }]) => `| \`${name}\` | ${description} |`);
  return [`| ${first} | matches |`, "| --- | --- |", ...rows].join("\n");
}

function listed(names: readonly string[]): string {
  const quoted = names.map((name) => `\`${name}\``);
  return `${quoted.slice(0, -1).join(", ")} and ${quoted.at(-1)}`;
}
