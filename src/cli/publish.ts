import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { type Command, InvalidArgumentError } from "commander";
import { HmsSyncError } from "../errors.js";
import { type Cli, type JsonOption, jsonOption, writeJson } from "./cli.js";
import { type ExitCode, exit } from "./failure.js";
import { printable } from "./text.js";

interface PublishOptions extends JsonOption {
  readonly id?: string;
  readonly type?: string;
  readonly schemaVersion?: string;
}

interface Published {
  readonly id: string;
  readonly topic: string;
  readonly version: number;
  readonly duplicate: boolean;
}

/** Waits (ms) before the second attempt and those after it. */
const retryAfterMs = [200, 500, 1_000, 2_000, 4_000];

/** `hms-sync publish`: puts one event on a topic, once, however often it has to be sent. */
export function addPublish(program: Command, cli: Cli): void {
  program
    .command("publish")
    .description("put one event on a topic")
    .argument("<topic>", "name of the topic")
    .argument("<json>", "the payload as JSON, or - to read it from standard input")
    .option("--id <id>", "id of the event; the same id is stored once (default: a new one)", headerWord)
    .option("--type <type>", "type of the event (default: the topic's name)", headerWord)
    .option(
      "--schema-version <n>",
      "schema version of the payload (default: the topic's current one)",
      headerWord,
    )
    .option(...jsonOption)
    .addHelpText("after", help)
    .action(
      cli.verb((topic: string, json: string, options: PublishOptions) => publish(cli, topic, json, options)),
    );
}

const help = `
Examples: hms-sync publish inspections.status '{"inspectionId":99,"newStatus":"Completed"}'
          hms-sync publish inspections.status - --id inspection-99-done < payload.json`;

async function publish(cli: Cli, topic: string, json: string, options: PublishOptions): Promise<ExitCode> {
  const payload = json === "-" ? await cli.stdin() : json;
  const id = options.id ?? randomUUID();
  const published = await send(cli, topic, payload, headersOf(id, options));
  if (options.json) await writeJson(cli.output, published);
  else await cli.output.write(`${inWords(published)}\n`);
  return exit.ok;
}

function inWords({ id, topic, version, duplicate }: Published): string {
  const event = printable(id);
  return duplicate
    ? `${event} is on ${printable(topic)} already (duplicate); nothing was added`
    : `${event} published to ${printable(topic)} (version ${version})`;
}

function headersOf(id: string, { type, schemaVersion }: PublishOptions): Record<string, string> {
  return {
    "idempotency-key": id,
    ...(type === undefined ? {} : { "hms-sync-type": type }),
    ...(schemaVersion === undefined ? {} : { "hms-sync-version": schemaVersion }),
  };
}

/** Sends until the bus has answered, always with the same id: what an attempt stored unseen is a duplicate then. */
async function send(
  cli: Cli,
  topic: string,
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>>,
): Promise<Published> {
  const path = `/v1/topics/${encodeURIComponent(topic)}/events`;
  let stored: "no" | "perhaps" = "no";
  for (let attempt = 0; ; attempt++) {
    try {
      return await cli.gateway.json<Published>(path, { method: "POST", body, headers });
    } catch (error) {
      if (stored === "no" && !mayHaveStored(error)) throw error;
      stored = "perhaps";
      if (attempt >= retryAfterMs.length || !mayPass(error))
        throw unknownOutcome(error, headers["idempotency-key"]!);
      await delay(retryAfterMs[attempt]!);
    }
  }
}

/** Nobody took the connection, or a refusal: then certainly nothing is stored. */
function mayHaveStored(error: unknown): boolean {
  return mayPass(error) && error.code !== "bus_unreachable";
}

function mayPass(error: unknown): error is HmsSyncError {
  return error instanceof HmsSyncError && error.retryable;
}

function unknownOutcome(error: unknown, id: string): unknown {
  if (!(error instanceof HmsSyncError)) return error;
  const { code, message, status, retryable, details } = error;
  const advice = `whether the event was stored is not known; to repeat it safely add --id=${id}`;
  return new HmsSyncError(code, `${message}\n${advice}`, { status, retryable, details, cause: error });
}

function headerWord(value: string): string {
  if (/^[\x21-\x7e]{1,255}$/.test(value)) return value;
  throw new InvalidArgumentError("write 1 to 255 printable ASCII characters without spaces");
}
