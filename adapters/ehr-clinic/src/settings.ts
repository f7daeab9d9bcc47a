import { resolve } from "node:path";
import { CHARSETS, type Charset } from "./hl7.js";

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

/** The folder of `HL7_DIRECTORY`, relative to this project. */
export function hl7Directory(): string {
  return projectFile(process.env.HL7_DIRECTORY || "data/hl7");
}

/** What the clinic's reader reads, by `HL7_CHARSET`. */
export function hl7Charset(): Charset {
  const name = process.env.HL7_CHARSET || "UNICODE UTF-8";
  const charset = CHARSETS.find((known) => known === name);
  if (charset !== undefined) return charset;
  throw new SettingError(`HL7_CHARSET is ${JSON.stringify(name)}; write ${CHARSETS.join(", or ")}`);
}

try {
  process.loadEnvFile(projectFile(".env"));
} catch (error) {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
}
