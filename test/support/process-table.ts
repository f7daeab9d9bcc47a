import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";

/** One running process; zombies are left out, they only wait to be collected. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** All processes of this machine that are not zombies. */
export function processTable(): ProcessEntry[] {
  return process.platform === "linux" ? linuxTable() : psTable();
}

/** The processes below `root`, children before grandchildren; `root` itself is not among them. */
export function descendantsOf(root: number, table = processTable()): ProcessEntry[] {
  const children = table.filter(({ parent }) => parent === root);
  return [...children, ...children.flatMap(({ pid }) => descendantsOf(pid, table))];
}

/**
 * The processes that work in `directory` or below it. A process whose parent was killed is nobody's descendant any
 * more, but a redis-server still stands in its data directory. Linux only; elsewhere none is found.
 */
export function processesWorkingIn(directory: string, table = processTable()): ProcessEntry[] {
  if (process.platform !== "linux") return [];
  const root = realpathSync(directory);
  return table.filter(({ pid }) => {
    const cwd = workingDirectory(pid);
    return cwd !== undefined && (cwd === root || cwd.startsWith(`${root}/`));
  });
}

/** Sends `signal`; false when there is no such process any more. */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}

function linuxTable(): ProcessEntry[] {
  const entries: ProcessEntry[] = [];
  for (const name of readdirSync("/proc")) {
    const stat = /^\d+$/.test(name) ? ifThere(() => readFileSync(`/proc/${name}/stat`, "utf8")) : undefined;
    const match = stat === undefined ? null : /^(\d+) \((.*)\) (\S) (\d+) /s.exec(stat);
    if (match === null || match[3] === "Z" || match[3] === "X") continue;
    entries.push({
      pid: Number(match[1]),
      parent: Number(match[4]),
      command: commandLine(name) || match[2]!,
    });
  }
  return entries;
}

function psTable(): ProcessEntry[] {
  const lines = execFileSync("ps", ["-axo", "pid=,ppid=,stat=,command="], { encoding: "utf8" }).split("\n");
  return lines.flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line);
    if (match === null || match[3]!.startsWith("Z") || match[4]!.startsWith("ps ")) return [];
    return [{ pid: Number(match[1]), parent: Number(match[2]), command: match[4]! }];
  });
}

function commandLine(pid: string): string {
  return (
    ifThere(() => readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim().slice(0, 200)) ??
    ""
  );
}

function workingDirectory(pid: number): string | undefined {
  return ifThere(() => readlinkSync(`/proc/${pid}/cwd`).replace(/ \(deleted\)$/, ""));
}

/** A process may end between two reads of its entries, and those of other users cannot be read. */
function ifThere<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
