import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { connect, createServer, type Server, type Socket } from "node:net";
import { dirname, join, resolve } from "node:path";

/** A Redis command seen on its way, by a name a person can read: XADD, or EVALSHA's script, `settle`, `addStandardJob`. */
export interface SeenCommand {
  readonly name: string;
  readonly args: readonly Buffer[];
}

/**
 * What becomes of a command: `pass` it on, `drop` it (Redis never sees it), or let it be `executed` without an answer.
 * After drop or executed the connection carries nothing any more.
 */
export type Fate = "pass" | "drop" | "executed";

export interface FaultProxy {
  readonly port: number;
  readonly url: string;
  /** Decides on every command from now on; the default passes all. */
  decide(decide: (command: SeenCommand) => Fate): void;
  close(): Promise<void>;
}

/** A TCP proxy in front of a real Redis that understands enough of RESP to stop a conversation at a chosen command. */
export async function startFaultProxy(redisPort: number): Promise<FaultProxy> {
  const scripts = scriptNames();
  const sockets = new Set<Socket>();
  let decide: (command: SeenCommand) => Fate = () => "pass";
  const server = createServer((client) => {
    const upstream = connect(redisPort, "127.0.0.1");
    let muted = false;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    upstream.on("data", (chunk) => {
      if (!muted) client.write(chunk);
    });
    const parser = new CommandParser((raw, args) => {
      if (muted) return;
      const fate = decide({ name: nameOf(args, scripts), args });
      if (fate !== "drop") upstream.write(raw);
      muted = fate !== "pass";
    });
    client.on("data", (chunk) => parser.push(chunk));
  });
  const port = await listen(server);
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    decide(next) {
      decide = next;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  return (server.address() as { port: number }).port;
}

function nameOf(args: readonly Buffer[], scripts: ReadonlyMap<string, string>): string {
  const command = args[0]?.toString("latin1").toUpperCase() ?? "";
  if (command === "EVALSHA") return scripts.get(args[1]!.toString("latin1")) ?? "EVALSHA";
  if (command === "EVAL") return scripts.get(sha1(args[1]!)) ?? "EVAL";
  return command;
}

/** SHA-1 of every script of ours and of BullMQ -> its name. */
function scriptNames(): Map<string, string> {
  const names = new Map<string, string>();
  for (const stage of ["ledger", "fanout", "intake"]) {
    const folder = resolve(import.meta.dirname, "../../src", stage);
    for (const file of readdirSync(folder)) {
      if (file.endsWith(".lua")) names.set(sha1(included(folder, file.slice(0, -4))), file.slice(0, -4));
    }
  }
  const require = createRequire(import.meta.url);
  const bullmq = join(dirname(require.resolve("bullmq")), "scripts");
  for (const file of readdirSync(bullmq)) {
    if (!file.endsWith(".js") || file === "index.js") continue;
    for (const script of Object.values(
      require(join(bullmq, file)) as Record<string, { name?: string; content?: string }>,
    )) {
      if (script?.content !== undefined) names.set(sha1(script.content), script.name ?? file);
    }
  }
  return names;
}

function included(folder: string, name: string): string {
  const text = readFileSync(join(folder, `${name}.lua`), "utf8");
  return text.replace(/^--- @include "([a-z-]+)"$/gm, (_line, other: string) => included(folder, other));
}

function sha1(text: string | Buffer): string {
  return createHash("sha1").update(text).digest("hex");
}

/** Splits what a client sends into commands: RESP arrays of bulk strings. */
class CommandParser {
  private buffer = Buffer.alloc(0);

  constructor(private readonly onCommand: (raw: Buffer, args: Buffer[]) => void) {}

  push(chunk: Buffer): void {
    this.buffer = Buffer.concat([this.buffer, chunk]);
    for (;;) {
      const parsed = parseCommand(this.buffer);
      if (parsed === undefined) return;
      this.onCommand(this.buffer.subarray(0, parsed.end), parsed.args);
      this.buffer = this.buffer.subarray(parsed.end);
    }
  }
}

function parseCommand(buffer: Buffer): { args: Buffer[]; end: number } | undefined {
  const count = lineAt(buffer, 0);
  if (count === undefined) return undefined;
  const args: Buffer[] = [];
  let at = count.end;
  for (let i = 0; i < count.value; i++) {
    const length = lineAt(buffer, at);
    if (length === undefined || buffer.length < length.end + length.value + 2) return undefined;
    args.push(Buffer.from(buffer.subarray(length.end, length.end + length.value)));
    at = length.end + length.value + 2;
  }
  return { args, end: at };
}

function lineAt(buffer: Buffer, start: number): { value: number; end: number } | undefined {
  const end = buffer.indexOf("\r\n", start);
  if (end === -1) return undefined;
  return { value: Number(buffer.toString("latin1", start + 1, end)), end: end + 2 };
}
