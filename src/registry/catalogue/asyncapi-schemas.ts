import type { JsonSchema } from "../../envelope/schema-merge.js";
import type { Topic } from "../types.js";
import { Draft07 } from "./draft07.js";
import { UniqueNames } from "./names.js";

const text = { type: "string" };
const time = { type: "string", format: "date-time" };

/** The schemas of an AsyncAPI document. Whatever a schema refers to becomes one of them, too. */
export class ComponentSchemas {
  private readonly schemas: Record<string, JsonSchema> = {};
  private readonly names = new UniqueNames();

  /** Adds the schema of a version's payload; answers the reference to it. */
  addPayload(topic: Topic, version: number): string {
    const root = topic.schemas.get(version)!.schema as JsonSchema;
    const name = this.names.claim(`${topic.name}.v${version}`);
    const known = new Map<JsonSchema, string>([[root, name]]);
    const waiting: JsonSchema[] = [root];
    const draft = new Draft07(root, (target, pointer) => {
      const found = known.get(target) ?? this.names.claim(`${name}.${lastWord(pointer)}`);
      if (!known.has(target)) waiting.push(target);
      known.set(target, found);
      return refTo(found);
    });
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      this.schemas[known.get(next)!] = draft.of(next);
    }
    return refTo(name);
  }

  /** Adds the schema of the envelope around such a payload. */
  addEnvelope(topic: Topic, version: number, payload: string): string {
    const name = this.names.claim(`${topic.name}.v${version}.envelope`);
    this.schemas[name] = {
      type: "object",
      properties: {
        topic: { const: topic.name },
        version: { const: version },
        payload: { $ref: payload },
        qos: { const: topic.qos },
        replayable_until: { ...time, description: "End of the event's replay window." },
        id: { ...text, description: "Unique per topic and source." },
        source: { ...text, description: "The system that published it." },
        type: text,
        time: { ...time, description: "When the source says it happened." },
        subject: { ...text, description: "The ordering key." },
        traceparent: text,
        origin: { ...text, description: "The systems the change came through before, oldest first." },
      },
      required: ["topic", "version", "payload", "qos", "replayable_until", "id", "source", "type", "time"],
    };
    return refTo(name);
  }

  all(): Readonly<Record<string, JsonSchema>> {
    return this.schemas;
  }
}

function refTo(name: string): string {
  return `#/components/schemas/${name}`;
}

/** The last token of a reference, of the signs that names of components may have. */
function lastWord(ref: string): string {
  const token = decodeURIComponent(ref.slice(ref.lastIndexOf("/") + 1)).replaceAll("~1", "/");
  return (
    token
      .replace(/^.*\//, "")
      .replace(/\.json$/, "")
      .replaceAll(/[^\w.-]/g, "_") || "schema"
  );
}
