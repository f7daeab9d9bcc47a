import { randomBytes, randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import { HmsSyncError } from "../errors.js";
import { webhookKeysKey } from "../redis/keys.js";
import { type AccessKey, keysPerSystem, tooManyKeys } from "./access-keys.js";
import type { WebhookSecret } from "./webhook-signature.js";

export interface CreatedWebhookKey {
  readonly system: string;
  readonly id: string;
  /** `whsec_` and base64. Shown once, but stored as it is: a signature is checked with what made it. */
  readonly secret: string;
}

interface StoredKey extends AccessKey {
  readonly secret: string;
}

/** How long the secrets are believed in (ms); a change is told to all sidecars at once besides. */
const rememberMs = 2_000;
const secretBytes = 32;

/**
 * Secrets with which systems sign what they post (Standard Webhooks). HMAC is symmetric, so unlike tokens they lie in
 * Redis readable: who reads Redis could sign as any of these systems.
 */
export class WebhookKeys {
  private known: { readonly keys: Promise<readonly StoredKey[]>; readonly until: number } | undefined;

  /** `onChange` is told when keys changed. */
  constructor(
    private readonly redis: Redis,
    private readonly onChange: () => void,
  ) {}

  /** The valid secrets of these systems. */
  async secretsOf(systems: readonly string[]): Promise<WebhookSecret[]> {
    return (await this.remembered())
      .filter(({ system }) => systems.includes(system))
      .map(({ system, secret }) => ({ system, key: keyOf(secret)! }));
  }

  /**
   * Stores `secret`, or one made here, for the system. Rejects with `too_many_keys` (409) when the system has two
   * already, `invalid_secret` (400), and `secret_in_use` (409) when a system has this one.
   */
  async create(
    system: string,
    secret = `whsec_${randomBytes(secretBytes).toString("base64")}`,
  ): Promise<CreatedWebhookKey> {
    const bytes = keyOf(secret);
    if (bytes === undefined) throw invalidSecret();
    const stored = await this.stored();
    const same = stored.find((key) => keyOf(key.secret)?.equals(bytes));
    if (same !== undefined) throw secretInUse(same);
    const existing = stored.filter((key) => key.system === system);
    if (existing.length >= keysPerSystem) throw tooManyKeys(system, existing);
    const id = randomUUID();
    const key: StoredKey = { id, system, created: new Date().toISOString(), secret };
    await this.redis.hset(webhookKeysKey, id, JSON.stringify(key));
    this.changed();
    return { system, id, secret };
  }

  /** The keys without their secrets, the oldest first. */
  async list(): Promise<AccessKey[]> {
    return (await this.stored())
      .map(({ id, system, created }) => ({ id, system, created }))
      .sort((a, b) => a.created.localeCompare(b.created));
  }

  /** Revokes a key; false when there is none of that id. */
  async revoke(id: string): Promise<boolean> {
    if ((await this.redis.hdel(webhookKeysKey, id)) === 0) return false;
    this.changed();
    return true;
  }

  /** Forgets what was read: keys changed, here or in another sidecar. */
  forget(): void {
    this.known = undefined;
  }

  // The promise is kept, not what it brings: what was being read when keys changed is then forgotten too.
  private remembered(): Promise<readonly StoredKey[]> {
    if (this.known !== undefined && this.known.until > Date.now()) return this.known.keys;
    const known = { keys: this.stored(), until: Date.now() + rememberMs };
    this.known = known;
    known.keys.catch(() => {
      if (this.known === known) this.known = undefined; // the caller has the error; the next one reads again
    });
    return known.keys;
  }

  private async stored(): Promise<StoredKey[]> {
    return (await this.redis.hvals(webhookKeysKey)).map((value) => JSON.parse(value) as StoredKey);
  }

  private changed(): void {
    this.forget();
    this.onChange();
  }
}

/** The bytes of `whsec_<base64 of 24 to 64 bytes>`, as Standard Webhooks writes a secret; undefined for other text. */
function keyOf(secret: string): Buffer | undefined {
  const text = /^whsec_([A-Za-z0-9+/]{32,86}={0,2})$/.exec(secret)?.[1];
  if (text === undefined) return undefined;
  const bytes = Buffer.from(text, "base64");
  const canonical = bytes.toString("base64").replace(/=+$/, "") === text.replace(/=+$/, "");
  return canonical && bytes.length >= 24 && bytes.length <= 64 ? bytes : undefined;
}

function invalidSecret(): HmsSyncError {
  return new HmsSyncError(
    "invalid_secret",
    "the secret (not shown) is not whsec_ with base64 of 24 to 64 random bytes; leave it out to have one made",
    { status: 400 },
  );
}

function secretInUse({ id, system }: AccessKey): HmsSyncError {
  return new HmsSyncError(
    "secret_in_use",
    `${system} has this secret already (key ${id}); a secret names one system, so use another`,
    { status: 409 },
  );
}
