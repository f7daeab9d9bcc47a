import { spawn, spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { cache, root } from "./paths.mjs";

/** A step that cannot go on. The message is all the user needs: no stack is printed. */
export class SetupError extends Error {}

export function say(line) {
  process.stdout.write(`${line}\n`);
}

/** Runs a tool with its output in a log file; says what happens and how long it took. */
export async function runLogged(title, command, args, { cwd = root, env = {} } = {}) {
  say(`${title} …`);
  const started = Date.now();
  const logFile = join(cache, "logs", `${title.replaceAll(/[^a-z0-9.-]+/gi, "-")}.log`);
  mkdirSync(join(cache, "logs"), { recursive: true });
  const log = openSync(logFile, "w");
  const options = { cwd, env: { ...process.env, ...env }, stdio: ["ignore", log, log] };
  const outcome = await ended(spawn(command, args, options));
  closeSync(log);
  if (outcome !== "0") throw failure(title, [command, ...args].join(" "), outcome, logFile);
  say(`${title}: done in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

/** Runs a tool with its output on this terminal; gives its exit code. */
export async function runVisible(command, args, { cwd = root, env = {} } = {}) {
  const outcome = await ended(
    spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: "inherit" }),
  );
  return outcome === "0" ? 0 : 1;
}

/** Runs several at once and prints what each said when it has ended; gives 0 when all did well. */
export async function runBeside(commands) {
  const outcomes = await Promise.all(
    commands.map(async ({ command, args, options: { cwd = root, env = {} } = {} }) => {
      const child = spawn(command, args, {
        cwd,
        env: { ...process.env, ...env },
        stdio: ["ignore", "pipe", "pipe"],
      });
      const output = [];
      for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => output.push(chunk));
      const outcome = await ended(child, "close");
      process.stdout.write(Buffer.concat(output));
      return outcome;
    }),
  );
  return outcomes.every((outcome) => outcome === "0") ? 0 : 1;
}

/** Standard output of a quick command, or undefined when it is missing or fails. */
export function outputOf(command, args) {
  const { status, stdout } = spawnSync(command, args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  return status === 0 ? stdout : undefined;
}

function ended(child, event = "exit") {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once(event, (code, signal) => resolve(String(code ?? signal)));
  });
}

function failure(title, commandLine, outcome, logFile) {
  const lastLines = readFileSync(logFile, "utf8").trimEnd().split("\n").slice(-15).join("\n");
  return new SetupError(
    `${title} failed: ${commandLine} (${outcome}). Whole output: ${relative(root, logFile)}; its last lines:\n${lastLines}`,
  );
}
