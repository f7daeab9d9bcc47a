#!/usr/bin/env node
import { terminalQuestions } from "./questions.js";
import { run } from "./run.js";

process.exitCode = await run(process.argv.slice(2), {
  cwd: process.cwd(),
  env: process.env,
  questions: () => terminalQuestions(process.env),
  write: (text) => void process.stdout.write(text),
  warn: (text) => void process.stderr.write(text),
});
