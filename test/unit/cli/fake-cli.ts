import type { Cli } from "../../../src/cli/cli.js";
import type { EventStream, GatewayClient, GatewayRequest } from "../../../src/cli/gateway-client.js";
import { runCli } from "../../../src/cli/program.js";
import { readConfig } from "../../../src/config.js";

export interface Call extends GatewayRequest {
  readonly path: string;
}

export interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly calls: readonly Call[];
}

/** Answers one call of a verb; throws what the gateway client would. */
export type Answer = (call: Call) => unknown;

/** Runs a command line against a gateway that answers with `answer`, with everything a verb prints kept. */
export async function cliRun(
  argv: readonly string[],
  answer: Answer = () => ({}),
  parts: Partial<Omit<Cli, "output" | "gateway" | "verb">> = {},
): Promise<Run> {
  const calls: Call[] = [];
  let stdout = "";
  let stderr = "";
  const record = async (path: string, request: GatewayRequest = {}) => {
    const call = { path, ...request };
    calls.push(call);
    return answer(call);
  };
  const gateway = {
    json: record,
    stream: async (path: string) => (await record(path)) as EventStream,
  } as unknown as GatewayClient;
  const output = {
    write: async (text: string | Uint8Array) => {
      stdout += typeof text === "string" ? text : Buffer.from(text).toString();
    },
    note: (text: string) => {
      stderr += `${text}\n`;
    },
    colours: false,
  };
  const code = await runCli(argv, {
    output,
    gateway,
    config: () => readConfig({}, "/nowhere"),
    stdin: async () => Buffer.alloc(0),
    ask: async () => undefined,
    stopSignal: () => new Promise(() => {}),
    onHangup: () => {},
    ...parts,
  });
  return { code, stdout, stderr, calls };
}
