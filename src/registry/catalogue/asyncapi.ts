import { dump } from "js-yaml";
import type { Registry, Topic } from "../types.js";
import { ComponentSchemas } from "./asyncapi-schemas.js";
import { exampleEnvelope, examplePayload } from "./example.js";
import { generatedMark } from "./generated.js";
import { type SelectedTopic, type SelectedVersion, selectTopics } from "./select.js";

type Members = Record<string, unknown>;

/**
 * The topics as an AsyncAPI 3.0 document of the bus at `url`: for each topic a channel that producers post payloads to
 * and one that consumers pull envelopes from, and what each system sends or gets there. Schemas are draft-07, which
 * every tool reads; what only 2020-12 can say is left out of them.
 */
export function asyncApiOf(registry: Registry, url: string): Members {
  const topics = selectTopics(registry);
  const schemas = new ComponentSchemas();
  const messages = Object.assign({}, ...topics.map((topic) => messagesOf(topic, schemas))) as Members;
  return {
    asyncapi: "3.0.0",
    "x-generator": `${generatedMark} asyncapi`,
    info: {
      title: "HMS-Sync",
      version: registry.digest.slice(0, 12),
      description:
        "Topics of the bus. Producers POST the payload; fields with a default may be left out. Consumers pull deliveries and settle them: `envelope` of a delivery is the message.",
    },
    defaultContentType: "application/json",
    servers: { bus: serverOf(url) },
    channels: Object.assign({}, ...topics.map(channelsOf)) as Members,
    operations: Object.assign({}, ...topics.map(operationsOf)) as Members,
    components: {
      messages,
      schemas: schemas.all(),
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
    },
  };
}

/** A document as YAML. */
export function asYaml(document: Members): string {
  return dump(document, { lineWidth: 110, noRefs: true });
}

function serverOf(url: string): Members {
  const { host, protocol, pathname } = new URL(url);
  const path = pathname.replace(/\/+$/, "");
  return {
    host,
    protocol: protocol.replace(":", ""),
    ...(path === "" ? {} : { pathname: path }),
    security: [{ $ref: "#/components/securitySchemes/token" }],
  };
}

function channelsOf({ topic, versions }: SelectedTopic): Members {
  const numbers = versions.map(({ version }) => version);
  const channel = (way: Way) => ({
    address: `/v1/topics/${topic.name}/${way}`,
    title: topic.name,
    servers: [{ $ref: "#/servers/bus" }],
    messages: Object.fromEntries(
      numbers.map((number) => [
        `v${number}`,
        { $ref: `#/components/messages/${messageKey(topic, number, way)}` },
      ]),
    ),
    "x-qos": topic.qos,
    "x-retention-ms": topic.retentionMs,
    ...(topic.keyPointer === undefined ? {} : { "x-key": topic.keyPointer }),
  });
  return {
    [channelKey(topic, "events")]: channel("events"),
    ...(topic.consumers.length === 0 ? {} : { [channelKey(topic, "pull")]: channel("pull") }),
  };
}

/** The bus receives what producers publish, and sends what consumers pull. */
function operationsOf({ topic, versions }: SelectedTopic): Members {
  const all = versions.map(({ version }) => version);
  const operation = (way: Way, numbers: readonly number[], summary: string) => ({
    action: way === "events" ? "receive" : "send",
    channel: { $ref: `#/channels/${channelKey(topic, way)}` },
    summary,
    messages: numbers.map((number) => ({ $ref: `#/channels/${channelKey(topic, way)}/messages/v${number}` })),
    bindings: { http: { method: "POST", bindingVersion: "0.3.0" } },
  });
  const publishing = topic.producers.map((name) => [
    `${name}:publishes:${topic.name}`,
    operation("events", all, `${name} publishes ${topic.name}`),
  ]);
  const consuming = topic.consumers.map(({ name, version }) => [
    `${name}:consumes:${topic.name}`,
    operation("pull", version === undefined ? all : [version], `${name} consumes ${topic.name}`),
  ]);
  return Object.fromEntries([...publishing, ...consuming]) as Members;
}

function messagesOf({ topic, versions }: SelectedTopic, schemas: ComponentSchemas): Members {
  return Object.assign({}, ...versions.map((version) => versionMessages(topic, version, schemas))) as Members;
}

function versionMessages(
  topic: Topic,
  { version, shapes }: SelectedVersion,
  schemas: ComponentSchemas,
): Members {
  const payload = schemas.addPayload(topic, version);
  const envelope = schemas.addEnvelope(topic, version, payload);
  const example = examplePayload(topic, version, shapes);
  const message = (schema: string, of: unknown) => ({
    name: `${topic.name}.v${version}`,
    title: `${topic.name}, version ${version}`,
    payload: { $ref: schema },
    ...(example === undefined ? {} : { examples: [{ payload: of }] }),
  });
  return {
    [messageKey(topic, version, "events")]: message(payload, example),
    ...(topic.consumers.length === 0
      ? {}
      : {
          [messageKey(topic, version, "pull")]: message(envelope, exampleEnvelope(topic, version, example)),
        }),
  };
}

/** The route that a channel stands for. */
type Way = "events" | "pull";

function channelKey(topic: Topic, way: Way): string {
  return `${topic.name}.${way}`;
}

function messageKey(topic: Topic, version: number, way: Way): string {
  return `${topic.name}.v${version}.${way === "events" ? "payload" : "envelope"}`;
}
