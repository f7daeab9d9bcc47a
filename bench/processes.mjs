// Starts the bench's processes and ends them with it.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

const running = new Set();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** A child process whose lines on stdout can be waited for. */
export function start(command, args, options = {}) {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"], ...options });
  running.add(child);
  const lines = [];
  const waiting = [];
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(line);
    for (const check of waiting.splice(0)) check();
  });
  const exited = new Promise((resolve) => child.on("exit", resolve)).then((code) => {
    running.delete(child);
    for (const check of waiting.splice(0)) check();
    return code;
  });
  const line = (pattern) =>
    new Promise((resolve, reject) => {
      const check = () => {
        const found = lines.find((each) => pattern.test(each));
        if (found !== undefined) resolve(found);
        else if (child.exitCode !== null)
          reject(new Error(`${command} ${args[0]} ended without printing ${pattern}`));
        else waiting.push(check);
      };
      check();
    });
  return { child, line, exited, kill: (signal = "SIGTERM") => child.kill(signal) };
}
