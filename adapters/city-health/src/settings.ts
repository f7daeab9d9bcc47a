import { resolve } from "node:path";

/** A setting or a file of this project that has to be written differently; the message says how. */
export class SettingError extends Error {
  override readonly name = "SettingError";
}

/** A file of this project, from wherever it is started. */
export function projectFile(path: string): string {
  return resolve(import.meta.dirname, "../..", path);
}

/** A variable of the environment or of `.env`, where those of the environment win. */
export function setting(name: string): string {
  const value = process.env[name];
  if (value) return value;
  throw new SettingError(`${name} is not set; copy .env.example to .env and write it there`);
}

try {
  process.loadEnvFile(projectFile(".env"));
} catch (error) {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
}
