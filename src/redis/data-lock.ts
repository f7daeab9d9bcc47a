import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { HmsSyncError } from "../errors.js";

const O_EXLOCK = 0x20; // macOS and BSD: open() takes the flock itself

/**
 * Takes the exclusive lock on a data directory, or gives undefined while anyone holds it. The lock belongs to the open
 * file (flock(2)): it passes to every child that is given the descriptor, and the kernel frees it when the last of
 * them has ended, however it ended. So no lock is ever stale, and none is judged by a process id that may be reused.
 */
export async function tryDataLock(path: string): Promise<FileHandle | undefined> {
  return process.platform === "linux" ? lockWithTool(path) : lockWhileOpening(path);
}

async function lockWithTool(path: string): Promise<FileHandle | undefined> {
  const file = await open(path, "a", 0o600);
  try {
    const tool = spawn("flock", ["-n", "3"], { stdio: ["ignore", "ignore", "ignore", file.fd] });
    const [code] = (await once(tool, "exit")) as [number | null];
    if (code === 0) return file;
  } catch (cause) {
    await file.close();
    throw new HmsSyncError(
      "redis_start",
      "flock cannot be run; install util-linux or set HMS_SYNC_REDIS_URL",
      { cause },
    );
  }
  await file.close();
  return undefined;
}

async function lockWhileOpening(path: string): Promise<FileHandle | undefined> {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NONBLOCK | O_EXLOCK;
  try {
    return await open(path, flags, 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return undefined;
    throw error;
  }
}
