import type { Express } from "express";
import { HmsSyncError } from "../errors.js";
import { mayRead, topicNamed } from "./authorize.js";
import type { Directory, GatewayTopic, Identity } from "./types.js";

/**
 * GET /v1/topics/{topic}/schema: the JSON Schema of the topic's payload in the version that the caller is given, with
 * all that it refers to below `$defs`; the ordering key; whether the caller is among the consumers. For systems that
 * produce or consume the topic, and for admin, who may ask as another with `consumer`.
 */
export function schemaRoute(app: Express, directory: Directory): void {
  app.get("/v1/topics/:topic/schema", (request, response) => {
    const { identity } = request as unknown as { identity: Identity };
    const topic = topicNamed(directory, request.params.topic);
    mayRead(identity, topic);
    const asked = identity.admin ? request.query.consumer : undefined;
    response.json(schemaFor(topic, typeof asked === "string" ? asked : identity.system));
  });
}

function schemaFor(topic: GatewayTopic, system: string): object {
  const { name, qos, keyPointer, schemas } = topic;
  const consumer = topic.consumers.find((one) => one.name === system);
  const version = consumer?.version ?? topic.version;
  const schema = schemas.get(version)?.schema;
  if (schema === undefined) {
    throw new HmsSyncError("unknown_version", `${name} has no schema of version ${version}`, { status: 422 });
  }
  const key = keyPointer === undefined ? {} : { key: keyPointer };
  return { topic: name, version, qos, ...key, consumes: consumer !== undefined, schema };
}
