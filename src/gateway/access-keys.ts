import { createHash, randomBytes, randomUUID, timingSafeEqual } from "node:crypto";
import type { Redis } from "ioredis";
import { HmsSyncError } from "../errors.js";
import { accessKeysKey } from "../redis/keys.js";
import type { Identity } from "./types.js";

export interface AccessKey {
  readonly id: string;
  readonly system: string;
  /** RFC 3339. */
  readonly created: string;
}

export interface CreatedKey {
  readonly system: string;
  readonly id: string;
  /** Shown once; only its SHA-256 is stored. */
  readonly token: string;
}

/** How many keys of one system and kind are valid at once: the old one and the new one, while a key is rotated. */
export const keysPerSystem = 2;
/** How long a token that was looked up is believed in (ms); a revocation is told to all sidecars at once besides. */
const rememberMs = 2_000;
const maxRemembered = 10_000;

/** Bearer tokens of systems. A token is 256 random bits, so its hash can be looked up directly. */
export class AccessKeys {
  private readonly known = new Map<string, { identity: Identity | undefined; until: number }>();
  private readonly admin: readonly Buffer[];

  /**
   * `adminTokens` speak for admin without being stored: the development token, that of the configuration. `onChange` is
   * told when keys changed.
   */
  constructor(
    private readonly redis: Redis,
    adminTokens: readonly string[],
    private readonly onChange: () => void,
  ) {
    this.admin = adminTokens.map(digest);
  }

  /** Who the token speaks for, or undefined when it is not (or no longer) valid. */
  async identify(token: string): Promise<Identity | undefined> {
    const hash = digest(token);
    if (this.admin.some((digest) => timingSafeEqual(hash, digest))) return { system: "admin", admin: true };
    const name = hash.toString("hex");
    const known = this.known.get(name);
    if (known !== undefined && known.until > Date.now()) return known.identity;
    const stored = await this.redis.hget(accessKeysKey, name);
    const identity = stored === null ? undefined : identityOf(JSON.parse(stored) as AccessKey);
    if (this.known.size >= maxRemembered) this.known.clear();
    this.known.set(name, { identity, until: Date.now() + rememberMs });
    return identity;
  }

  /** Makes a key. Rejects with `too_many_keys` (409) when the system has two already. */
  async create(system: string): Promise<CreatedKey> {
    const existing = (await this.list()).filter((key) => key.system === system);
    if (existing.length >= keysPerSystem) throw tooManyKeys(system, existing);
    const token = `hms_${randomBytes(32).toString("base64url")}`;
    const key: AccessKey = { id: randomUUID(), system, created: new Date().toISOString() };
    await this.redis.hset(accessKeysKey, digest(token).toString("hex"), JSON.stringify(key));
    this.changed();
    return { system, id: key.id, token };
  }

  async list(): Promise<AccessKey[]> {
    const stored = await this.redis.hvals(accessKeysKey);
    return stored
      .map((value) => JSON.parse(value) as AccessKey)
      .sort((a, b) => a.created.localeCompare(b.created));
  }

  /** Revokes a key; false when there is none of that id. */
  async revoke(id: string): Promise<boolean> {
    for (const [name, value] of Object.entries(await this.redis.hgetall(accessKeysKey))) {
      if ((JSON.parse(value) as AccessKey).id !== id) continue;
      await this.redis.hdel(accessKeysKey, name);
      this.changed();
      return true;
    }
    return false;
  }

  /** Forgets what was looked up: keys changed, here or in another sidecar. */
  forget(): void {
    this.known.clear();
  }

  private changed(): void {
    this.forget();
    this.onChange();
  }
}

function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

function identityOf(key: AccessKey): Identity {
  return { system: key.system, admin: key.system === "admin" };
}

/** The refusal of a further key, naming the valid ones. */
export function tooManyKeys(system: string, existing: readonly AccessKey[]): HmsSyncError {
  const ids = existing.map(({ id }) => id).join(", ");
  return new HmsSyncError(
    "too_many_keys",
    `${system} has ${existing.length} valid keys (${ids}); revoke one first: hms-sync keys revoke ${existing[0]!.id}`,
    { status: 409 },
  );
}
