import { CastFailure, type Casts, castChain } from "./cast.js";
import { compileFilter, type Filter } from "./filter.js";
import type { PayloadSchema } from "./types.js";

/** What a view needs to know of its topic. */
export interface ViewedTopic {
  readonly name: string;
  readonly schemas: ReadonlyMap<number, PayloadSchema>;
  /** By version: the casts between it and the version before. */
  readonly casts: ReadonlyMap<number, Casts>;
}

/** How one consumer sees the events of a topic, whose envelopes are such as `normalizeEvent` writes. Pure. */
export interface EventView {
  /** Whether the consumer is owed the event. One that cannot be cast is: it becomes a dead letter with its reason. */
  wants(envelope: Buffer): boolean;
  /** The envelope in the consumer's version (the same buffer when it has it), or why it cannot be had. */
  present(envelope: Buffer): Buffer | CastFailure;
}

const violationsInReason = 3;
/** Names of members, which may be of any length, are in a reason. */
const maxReason = 1_000;
const comma = 0x2c;
const zero = 0x30;

/** The view of a consumer that takes `version`, and of the events that match `filter` when there is one. */
export function createView(topic: ViewedTopic, version: number, filter?: Filter): EventView {
  const caster = new EnvelopeCaster(topic, version);
  if (filter === undefined) return { wants: () => true, present: (envelope) => caster.cast(envelope) };
  // What was cast to be filtered is mostly handed out next.
  const casts = new WeakMap<Buffer, Buffer | CastFailure>();
  const present = (envelope: Buffer) => {
    if (caster.isCurrent(envelope)) return envelope;
    const known = casts.get(envelope) ?? caster.cast(envelope);
    casts.set(envelope, known);
    return known;
  };
  const matches = compileFilter(filter);
  const wants = (envelope: Buffer) => {
    const presented = present(envelope);
    return presented instanceof CastFailure || matches(caster.payloadOf(presented));
  };
  return { wants, present };
}

/** Rewrites envelopes of a topic to one version. */
class EnvelopeCaster {
  private readonly prefix: string;
  private readonly head: string;
  private readonly chains = new Map<number, ((payload: string) => string) | undefined>();

  constructor(
    private readonly topic: ViewedTopic,
    private readonly version: number,
  ) {
    this.prefix = `{"topic":${JSON.stringify(topic.name)},"version":`;
    this.head = headOf(this.prefix, version);
  }

  /** Whether the envelope has the version already; looks at a few bytes. */
  isCurrent(envelope: Buffer): boolean {
    return this.versionOf(envelope) === this.version;
  }

  cast(envelope: Buffer): Buffer | CastFailure {
    const from = this.versionOf(envelope);
    if (from === this.version) return envelope;
    try {
      return this.recast(envelope.toString("utf8"), from);
    } catch (error) {
      if (error instanceof CastFailure) return error;
      throw error;
    }
  }

  /** The payload of an envelope that has the version. */
  payloadOf(envelope: Buffer): unknown {
    const text = envelope.toString("utf8");
    return JSON.parse(text.slice(this.head.length, endOfPayload(text)));
  }

  private recast(text: string, from: number): Buffer {
    const { name, schemas } = this.topic;
    const start = headOf(this.prefix, from).length;
    const end = endOfPayload(text);
    const schema = schemas.get(this.version);
    if (schema === undefined) {
      throw new CastFailure(
        `${name} has no version ${this.version} any more; add schemas/${name}/v${this.version}.json`,
      );
    }
    const original = text.slice(start, end);
    const chain = this.chain(from);
    const payload = chain === undefined ? original : chain(original);
    const violations = schema.validate(JSON.parse(payload));
    if (violations.length > 0) throw misfit(name, from, this.version, violations);
    return Buffer.from(this.head + payload + text.slice(end), "utf8");
  }

  private chain(from: number): ((payload: string) => string) | undefined {
    if (!this.chains.has(from)) this.chains.set(from, castChain(this.topic.casts, from, this.version));
    return this.chains.get(from);
  }

  private versionOf(envelope: Buffer): number {
    let version = 0;
    for (let at = this.prefix.length; at < envelope.length && envelope[at] !== comma; at++) {
      version = version * 10 + envelope[at]! - zero;
    }
    return version;
  }
}

function headOf(prefix: string, version: number): string {
  return `${prefix}${version},"payload":`;
}

/** The last such member is the envelope's own: after it come only strings, where the quotes would be escaped. */
function endOfPayload(text: string): number {
  return text.lastIndexOf(',"qos":"');
}

function misfit(
  topic: string,
  from: number,
  to: number,
  violations: readonly { path: string; message: string }[],
): CastFailure {
  const first = violations
    .slice(0, violationsInReason)
    .map(({ path, message }) => `${path || "the payload"} ${message}`);
  const more = violations.length > first.length ? `; and ${violations.length - first.length} more` : "";
  const reason = `cast from version ${from}, the payload does not fit schemas/${topic}/v${to}.json: ${first.join("; ")}${more}`;
  return new CastFailure(reason.length > maxReason ? `${reason.slice(0, maxReason)}…` : reason);
}
