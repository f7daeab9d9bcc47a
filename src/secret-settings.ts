import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { HmsSyncError } from "./errors.js";

/**
 * The value of a setting that is a secret: of the variable NAME, or of the file that NAME_FILE names, as Docker and
 * systemd hand secrets to a program, so that it stands neither in the environment nor in a command. White space around it
 * does not count, an empty variable counts as unset.
 * @throws HmsSyncError `invalid_config` when both are set, or the file cannot be read or is empty. Never shows the value.
 */
export function secretSetting(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
  cwd: string,
): string | undefined {
  const value = env[name]?.trim() || undefined;
  const file = env[`${name}_FILE`] || undefined;
  if (file === undefined) return value;
  if (value !== undefined) throw invalid(`${name} and ${name}_FILE are both set; leave one of them out`);
  return contentOf(`${name}_FILE`, resolve(cwd, file));
}

function contentOf(variable: string, path: string): string {
  const content = read(variable, path).trim();
  if (content !== "") return content;
  throw invalid(`${variable}: ${path} is empty; write the secret there`);
}

function read(variable: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw invalid(
      `${variable}: ${path} cannot be read (${code}); name a file that this user may read`,
      cause,
    );
  }
}

function invalid(message: string, cause?: unknown): HmsSyncError {
  return new HmsSyncError("invalid_config", message, { cause });
}
