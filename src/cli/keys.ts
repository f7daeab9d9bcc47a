import type { Command } from "commander";
import { type Cli, type JsonOption, jsonOption, writeJson } from "./cli.js";
import { type ExitCode, exit, usageError } from "./failure.js";
import { fields, printable, table } from "./text.js";

/** Of the two, the kind that was asked for. */
interface CreatedKey {
  readonly system: string;
  readonly id: string;
  readonly token?: string;
  readonly secret?: string;
}

interface KeyList {
  readonly keys: readonly {
    readonly id: string;
    readonly system: string;
    readonly kind: string;
    readonly created: string;
  }[];
}

interface CreateOptions extends JsonOption {
  readonly webhook?: true;
  readonly secret?: string;
}

/**
 * `hms-sync keys`: bearer tokens of the systems that topics.yaml names, and of admin, and secrets with which systems
 * sign what they post. Needs an admin token.
 */
export function addKeys(program: Command, cli: Cli): void {
  const keys = program
    .command("keys")
    .description("tokens and webhook secrets of systems: create, list, revoke");
  keys
    .command("create")
    .description("make a token for a system; two may be valid at once, so that one can replace the other")
    .argument("<name>", "a producer or consumer of topics.yaml, or admin")
    .option("--webhook", "make a secret that signs what the system posts, instead of a token")
    .option(
      "--secret <secret>",
      "with --webhook: take this one (whsec_ and base64 of 24 to 64 bytes); - reads it from stdin",
    )
    .option(...jsonOption)
    .addHelpText("after", createHelp)
    .action(cli.verb((name: string, options: CreateOptions) => create(cli, name, options)));
  keys
    .command("list")
    .alias("ls")
    .description("list the keys that are valid, without their tokens and secrets")
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
What is made is shown this once. Of a token the bus keeps only its SHA-256; a webhook secret lies in its Redis readable,
since a signature is checked with what made it. A bus in production makes no development token: start it with an admin
token of yours in HMS_SYNC_ADMIN_TOKEN, or in a file that HMS_SYNC_ADMIN_TOKEN_FILE names, and give the same one to this
command as HMS_SYNC_TOKEN or HMS_SYNC_TOKEN_FILE. With a key of admin made, the bus does without it.

Examples: hms-sync keys create city-health --json
          hms-sync keys create city-health --webhook`;

async function create(cli: Cli, system: string, options: CreateOptions): Promise<ExitCode> {
  const body = JSON.stringify(await wanted(cli, system, options));
  const key = await cli.gateway.json<CreatedKey>("/v1/keys", { method: "POST", body });
  const shown = options.webhook
    ? { system: key.system, id: key.id, secret: key.secret }
    : { system: key.system, id: key.id, token: key.token };
  if (options.json) {
    await writeJson(cli.output, shown);
    return exit.ok;
  }
  await cli.output.write(`${fields(Object.entries(shown) as [string, string][])}\n`);
  cli.output.note(
    options.webhook
      ? "the secret is not shown again; keep it where the system signs its requests"
      : "the token is not shown again; keep it where the system reads HMS_SYNC_TOKEN",
  );
  return exit.ok;
}

async function wanted(cli: Cli, system: string, { webhook, secret }: CreateOptions): Promise<object> {
  if (!webhook && secret !== undefined) {
    throw usageError("--secret (not shown) is of a webhook key only; add --webhook, or leave it out");
  }
  if (!webhook) return { system };
  if (secret === undefined) return { system, kind: "webhook" };
  const given =
    secret === "-"
      ? Buffer.from(await cli.stdin())
          .toString("utf8")
          .trim()
      : secret;
  return { system, kind: "webhook", secret: given };
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
    ["ID", "SYSTEM", "KIND", "CREATED"],
    keys.map(({ id, system, kind, created }) => [id, system, kind, created]),
  );
}

async function revoke(cli: Cli, id: string, { json }: JsonOption): Promise<ExitCode> {
  await cli.gateway.json(`/v1/keys/${encodeURIComponent(id)}`, { method: "DELETE" });
  if (json) await writeJson(cli.output, { id, revoked: true });
  else await cli.output.write(`${printable(id)} is revoked\n`);
  return exit.ok;
}
