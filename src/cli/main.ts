#!/usr/bin/env node
import { buffer } from "node:stream/consumers";
import { readConfig, readContext } from "../config.js";
import { GatewayClient } from "./gateway-client.js";
import { processOutput } from "./output.js";
import { runCli } from "./program.js";
import { stopSignal } from "./signals.js";
import { askOnTerminal } from "./terminal.js";

const output = processOutput();
process.exitCode = await runCli(process.argv.slice(2), {
  output,
  config: readConfig,
  gateway: new GatewayClient(() => readContext(readConfig()), output.note),
  stdin: () => buffer(process.stdin),
  ask: (question) => askOnTerminal(question),
  stopSignal: () => stopSignal(),
  onHangup: (again) => {
    if (process.stdin.isTTY !== true) process.on("SIGHUP", again);
  },
});
