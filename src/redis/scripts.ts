import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Redis } from "ioredis";

/** A reply of a script, with bulk strings as Buffers (`Buffer`) and Redis integers as numbers. */
export type ScriptReply = null | number | Buffer | ScriptReply[];

export type ScriptArgument = string | number | Buffer;

/**
 * A Lua script kept in a file beside the TypeScript that calls it. `--- @include "name"` on a line of its own is
 * replaced by `name.lua` of the same folder. Runs as EVALSHA, and as EVAL when the server does not know it yet.
 */
export class Script {
  private readonly command: string;

  constructor(
    readonly name: string,
    readonly source: string,
  ) {
    this.command = `hmsSync_${name}_${createHash("sha1").update(source).digest("hex").slice(0, 8)}`;
  }

  static load(moduleUrl: string, name: string): Script {
    const folder = fileURLToPath(new URL(".", moduleUrl));
    return new Script(name.replaceAll("-", "_"), readScript(folder, name));
  }

  /** Runs the script with `keys` and `args`; rejects with the Redis error when the script raises one. */
  async run(redis: Redis, keys: readonly string[], args: readonly ScriptArgument[]): Promise<ScriptReply> {
    const client = redis as unknown as Record<string, (...args: unknown[]) => Promise<ScriptReply>>;
    if (typeof client[this.command] !== "function") {
      redis.defineCommand(this.command, { lua: this.source });
    }
    const call = client[`${this.command}Buffer`];
    if (call === undefined) throw new Error(`script ${this.name} was not defined`);
    return await call.call(client, keys.length, ...keys, ...args);
  }
}

function readScript(folder: string, name: string): string {
  const text = readFileSync(join(folder, `${name}.lua`), "utf8");
  return text.replace(/^--- @include "([a-z-]+)"$/gm, (_line, included: string) =>
    readScript(folder, included),
  );
}

/** The reply as text; scripts reply with text wherever a value is no plain count. */
export function text(reply: ScriptReply | undefined): string {
  if (Buffer.isBuffer(reply)) return reply.toString("utf8");
  if (typeof reply === "number") return String(reply);
  return "";
}

export function list(reply: ScriptReply | undefined): ScriptReply[] {
  return Array.isArray(reply) ? reply : [];
}
