import type { Command } from "commander";
import { type Cli, type JsonOption, jsonOption, writeJson } from "./cli.js";
import { type ExitCode, exit } from "./failure.js";
import { fields, printable, table } from "./text.js";

interface CreatedKey {
  readonly system: string;
  readonly id: string;
  readonly token: string;
}

interface KeyList {
  readonly keys: readonly { readonly id: string; readonly system: string; readonly created: string }[];
}

/** `hms-sync keys`: bearer tokens of the systems that topics.yaml names, and of admin. Needs an admin token. */
export function addKeys(program: Command, cli: Cli): void {
  const keys = program.command("keys").description("bearer tokens of systems: create, list, revoke");
  keys
    .command("create")
    .description("make a token for a system; two may be valid at once, so that one can replace the other")
    .argument("<name>", "a producer or consumer of topics.yaml, or admin")
    .option(...jsonOption)
    .addHelpText("after", createHelp)
    .action(cli.verb((name: string, options: JsonOption) => create(cli, name, options)));
  keys
    .command("list")
    .description("list the keys that are valid, without their tokens")
    .option(...jsonOption)
    .addHelpText("after", "\nExample: hms-sync keys list")
    .action(cli.verb((options: JsonOption) => list(cli, options)));
  keys
    .command("revoke")
    .description("end the validity of a key at once")
    .argument("<id>", "id of the key, as keys list shows it")
    .option(...jsonOption)
    .addHelpText("after", "\nExample: hms-sync keys revoke 7f6c0f5e-6d2a-4d57-9f0e-0a4b8c1d2e3f")
    .action(cli.verb((id: string, options: JsonOption) => revoke(cli, id, options)));
}

const createHelp = `
The token is shown this once; the bus keeps only its SHA-256. A bus in production makes no development token, so make
the first key of admin while it runs without NODE_ENV=production; the key stays valid afterwards.

Example: hms-sync keys create city-health --json`;

async function create(cli: Cli, system: string, { json }: JsonOption): Promise<ExitCode> {
  const body = JSON.stringify({ system });
  const key = await cli.gateway.json<CreatedKey>("/v1/keys", { method: "POST", body });
  if (json) {
    await writeJson(cli.output, { system: key.system, id: key.id, token: key.token });
    return exit.ok;
  }
  const pairs = [
    ["system", key.system],
    ["id", key.id],
    ["token", key.token],
  ] as const;
  await cli.output.write(`${fields(pairs)}\n`);
  cli.output.note("the token is not shown again; keep it where the system reads HMS_SYNC_TOKEN");
  return exit.ok;
}

async function list(cli: Cli, { json }: JsonOption): Promise<ExitCode> {
  const answer = await cli.gateway.json<KeyList>("/v1/keys");
  if (json) await writeJson(cli.output, answer);
  else await cli.output.write(`${keysInWords(answer)}\n`);
  return exit.ok;
}

function keysInWords({ keys }: KeyList): string {
  if (keys.length === 0) return "no keys yet; make one with: hms-sync keys create NAME";
  return table(
    ["ID", "SYSTEM", "CREATED"],
    keys.map(({ id, system, created }) => [id, system, created]),
  );
}

async function revoke(cli: Cli, id: string, { json }: JsonOption): Promise<ExitCode> {
  await cli.gateway.json(`/v1/keys/${encodeURIComponent(id)}`, { method: "DELETE" });
  if (json) await writeJson(cli.output, { id, revoked: true });
  else await cli.output.write(`${printable(id)} is revoked\n`);
  return exit.ok;
}
