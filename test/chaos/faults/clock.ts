import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Fault, World } from "../world.js";

const libraries = "/usr/lib";

/** libfaketime of the system, undefined where it is not installed. */
export function faketime(): string | undefined {
  const folders = existsSync(libraries) ? readdirSync(libraries) : [];
  return folders
    .map((folder) => join(libraries, folder, "faketime", "libfaketime.so.1"))
    .find((file) => existsSync(file));
}

/** The environment of a process whose clock is moved by what stands in `file`; timers go on by the real one. */
export function clockOf(file: string): Record<string, string> {
  const library = faketime();
  if (library === undefined) throw new Error("libfaketime is not installed: apt-get install faketime");
  return {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: "1",
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
  };
}

export function setClock(file: string, offsetSeconds: number): void {
  writeFileSync(file, `${offsetSeconds < 0 ? "" : "+"}${offsetSeconds}s\n`);
}

/** Where the clock of a world's sidecar is written. */
export const clockFile = ({ folder }: World): string => join(folder.path, "clock");

/** One sidecar runs an hour ahead and then steps two hours back, while the other one and Redis have the right time. */
export const clockOff: Fault = {
  name: "the clock of a sidecar is an hour ahead, then an hour behind",
  touches: ["sidecar-2"],
  async inject(world) {
    const [, sidecar] = world.sidecars;
    setClock(clockFile(world), 3_600);
    await sidecar!.term();
    await sidecar!.start(clockOf(clockFile(world)));
    return async () => {
      await sidecar!.term();
      await sidecar!.start();
    };
  },
};
