#!/usr/bin/env node
import { fileURLToPath } from "node:url";
import { terminalQuestions } from "./questions.js";
import { run } from "./run.js";

process.exitCode = await run(process.argv.slice(2), {
  cwd: process.cwd(),
  env: process.env,
  home: fileURLToPath(new URL("../../..", import.meta.url)), // of dist/create-hms-adapter/src/main.js
  questions: () => terminalQuestions(process.env),
  write: (text) => void process.stdout.write(text),
  warn: (text) => void process.stderr.write(text),
});
