import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Whether this process may mount: root outside of a container that forbids it. */
export function canMount(): boolean {
  const directory = mkdtempSync(join(tmpdir(), "mount-"));
  try {
    mount(directory, 65_536);
    umount(directory);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Puts what is in the directory on a file system of its own that has so many bytes left. Nobody may have files of it open. */
export function putOnSmallDisk(directory: string, left: number): void {
  const size = readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);
  replaceContents(directory, () => mount(directory, size + left));
}

/** Puts it back, whole, on the disk that it came from. */
export function putBack(directory: string): void {
  replaceContents(directory, () => umount(directory));
}

function replaceContents(directory: string, replace: () => void): void {
  const copy = mkdtempSync(join(tmpdir(), "copy-"));
  cpSync(directory, copy, { recursive: true });
  replace();
  for (const name of readdirSync(directory)) rmSync(join(directory, name));
  mkdirSync(directory, { recursive: true });
  cpSync(copy, directory, { recursive: true });
  rmSync(copy, { recursive: true });
}

function mount(directory: string, bytes: number): void {
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", directory], { stdio: "pipe" });
}

function umount(directory: string): void {
  execFileSync("umount", [directory], { stdio: "pipe" });
}
