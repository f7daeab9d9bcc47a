import { isObject } from "../answers.js";
import { HmsSyncClientError } from "../errors.js";
import type { TopicPolicy, Validate } from "./options.js";

/** One event as the ledger keeps it. */
export interface LoggedEvent {
  readonly id: string;
  readonly source: string;
  readonly version: number;
  readonly subject: string | undefined;
  /** The payload's JSON text. */
  readonly data: string;
  /** The whole envelope's JSON text. */
  readonly envelope: string;
  /** When it was recorded, in ms since the epoch. */
  readonly recordedAt: number;
}

/** What a producer says of an event beside its payload. */
export interface EventInput {
  readonly id: string;
  readonly source: string;
  readonly data: string;
  readonly type?: string | undefined;
  readonly version?: number | undefined;
  /** RFC 3339; when it is recorded unless given. */
  readonly time?: string | undefined;
  readonly subject?: string | undefined;
  readonly traceparent?: string | undefined;
}

/** The events of one topic in the order in which they were recorded, each id of a source once. */
export class Ledger {
  readonly events: LoggedEvent[] = [];
  private readonly byName = new Map<string, LoggedEvent>();

  constructor(
    readonly topic: TopicPolicy,
    private readonly validate: Validate | undefined,
  ) {}

  /**
   * Records an event, unless it is there already. `now` in ms since the epoch.
   * @throws HmsSyncClientError with the gateway's code: `malformed_json`, `not_an_object`, `schema_violation`,
   *   `id_reused`.
   */
  record(input: EventInput, now: number): { readonly event: LoggedEvent; readonly duplicate: boolean } {
    const payload = this.payloadOf(input.data);
    const name = `${input.source} ${input.id}`;
    const known = this.byName.get(name);
    if (known !== undefined) {
      if (known.data === input.data) return { event: known, duplicate: true };
      throw refused("id_reused", `${this.topic.name} has event ${input.id} with another body`);
    }
    const event = this.eventOf(input, payload, now);
    this.byName.set(name, event);
    this.events.push(event);
    return { event, duplicate: false };
  }

  private payloadOf(data: string): Record<string, unknown> {
    const payload = parsed(data);
    if (!isObject(payload)) throw refused("not_an_object", "the payload is no object; send a JSON object");
    const { name, schema, version } = this.topic;
    const errors = schema === undefined ? [] : (this.validate?.(schema, payload) ?? []);
    if (errors.length === 0) return payload;
    const first = errors.slice(0, 3).map(({ path, message }) => `${path || "the payload"} ${message}`);
    throw refused(
      "schema_violation",
      `the payload does not fit v${version} of ${name}: ${first.join("; ")}`,
      {
        errors,
      },
    );
  }

  private eventOf(input: EventInput, payload: Record<string, unknown>, now: number): LoggedEvent {
    const { topic } = this;
    const { id, source, data, version = topic.version, time = new Date(now).toISOString() } = input;
    const subject = input.subject ?? (topic.key === undefined ? undefined : textAt(payload, topic.key));
    const members: [name: string, text: string | undefined][] = [
      ["topic", JSON.stringify(topic.name)],
      ["version", String(version)],
      ["payload", data],
      ["qos", JSON.stringify(topic.qos)],
      ["replayable_until", JSON.stringify(new Date(Date.parse(time) + topic.retentionMs).toISOString())],
      ["id", JSON.stringify(id)],
      ["source", JSON.stringify(source)],
      ["type", JSON.stringify(input.type ?? topic.name)],
      ["time", JSON.stringify(time)],
      ["subject", JSON.stringify(subject)],
      ["traceparent", JSON.stringify(input.traceparent)],
    ];
    const texts = members.filter(([, text]) => text !== undefined).map(([name, text]) => `"${name}":${text}`);
    return { id, source, version, subject, data, envelope: `{${texts.join(",")}}`, recordedAt: now };
  }
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    throw refused("malformed_json", "the body is not JSON; send JSON text as in RFC 8259", { status: 400 });
  }
}

function refused(
  code: string,
  detail: string,
  options: { readonly status?: number; readonly errors?: HmsSyncClientError["errors"] } = {},
): HmsSyncClientError {
  return new HmsSyncClientError(code, detail, { status: 422, ...options });
}

/** The text or number that a JSON Pointer names, as text. */
function textAt(payload: unknown, pointer: string): string | undefined {
  let value = payload;
  for (const part of pointer.slice(1).split("/")) {
    const name = part.replaceAll("~1", "/").replaceAll("~0", "~");
    value = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  }
  return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
}
