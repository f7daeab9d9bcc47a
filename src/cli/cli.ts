import type { Config } from "../config.js";
import type { ExitCode } from "./failure.js";
import type { GatewayClient } from "./gateway-client.js";
import type { Output } from "./output.js";

/** What the verbs need of the world around them. */
export interface Cli {
  readonly output: Output;
  readonly gateway: GatewayClient;
  /** The environment; throws `invalid_config`. */
  config(): Config;
  /** Standard input up to its end. */
  stdin(): Promise<Uint8Array>;
  /** Asks a person at the terminal; '' when the question was left, undefined when there is no terminal. */
  ask(question: string): Promise<string | undefined>;
  /** Resolves at the first SIGINT or SIGTERM. */
  stopSignal(): Promise<void>;
  /** Runs `again` at each SIGHUP, unless that means that the terminal was closed. */
  onHangup(again: () => void): void;
  /** Runs what a verb does and keeps its exit code. */
  verb<A extends unknown[]>(run: (...args: A) => Promise<ExitCode>): (...args: A) => Promise<void>;
}

/** The option every verb has. */
export const jsonOption = ["--json", "print JSON for programs; errors too, on standard error"] as const;

export interface JsonOption {
  readonly json?: true;
}

/** The query of a URL, without what is undefined. */
export function query(values: Readonly<Record<string, string | number | undefined>>): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== undefined) given.set(name, String(value));
  return given.size === 0 ? "" : `?${given}`;
}

/** Prints a value as one line of JSON. */
export async function writeJson(output: Output, value: unknown): Promise<void> {
  await output.write(`${JSON.stringify(value)}\n`);
}
