import { readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { HmsSyncClientError, invalidOption } from "./errors.js";

/** The environment as `process.env` has it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where the bus is, without a trailing slash, and the bearer token for it. */
export interface Context {
  readonly url: string;
  readonly token: string;
}

/**
 * Finds the bus: what was given, else HMS_SYNC_URL and HMS_SYNC_TOKEN (or the file that HMS_SYNC_TOKEN_FILE names), else
 * what the bus wrote in its state directory (HMS_SYNC_STATE, or the nearest `.hms-sync` from the working directory upwards).
 * @throws HmsSyncClientError `no_context` or `invalid_option`, naming what to set.
 */
export function findContext(
  given: { readonly url?: string | undefined; readonly token?: string | undefined } = {},
  env: Environment = process.env,
  cwd: string = process.cwd(),
): Context {
  const dirs = stateDirs(env, cwd);
  const url = given.url ?? (env.HMS_SYNC_URL || undefined) ?? urlFromFile(dirs);
  const token = given.token ?? tokenFromEnvironment(env, cwd) ?? tokenFromFile(dirs);
  return { url: checkedUrl(url), token: checkedToken(token) };
}

function stateDirs(env: Environment, cwd: string): string[] {
  if (env.HMS_SYNC_STATE) return [resolve(cwd, env.HMS_SYNC_STATE)];
  const dirs: string[] = [];
  for (let dir = resolve(cwd); ; dir = dirname(dir)) {
    dirs.push(join(dir, ".hms-sync"));
    if (dir === dirname(dir)) return dirs;
  }
}

function urlFromFile(dirs: readonly string[]): string {
  const file = firstFile(dirs, "context.json");
  if (file === undefined) {
    throw noContext(
      `no bus is known: HMS_SYNC_URL is not set and there is no ${dirs[0]}/context.json` +
        `${dirs.length > 1 ? " or one further up" : ""}; set HMS_SYNC_URL, or start a bus here with npm start`,
    );
  }
  try {
    const { url } = JSON.parse(file.content) as { url?: unknown };
    if (typeof url === "string") return url;
  } catch (cause) {
    throw noContext(`${file.path} is not JSON; remove it and start the bus again`, cause);
  }
  throw noContext(`${file.path} holds no "url"; remove it and start the bus again`);
}

/** As Docker and systemd hand a secret to a program: in a file, so that it does not stand in the environment. */
function tokenFromEnvironment(env: Environment, cwd: string): string | undefined {
  const token = env.HMS_SYNC_TOKEN?.trim() || undefined;
  const file = env.HMS_SYNC_TOKEN_FILE || undefined;
  if (file === undefined) return token;
  if (token !== undefined)
    throw invalidOption("HMS_SYNC_TOKEN_FILE", file, "HMS_SYNC_TOKEN is set too; leave one of them out");
  const content = firstFile([resolve(cwd, dirname(file))], basename(file))?.content.trim();
  if (content) return content;
  throw invalidOption(
    "HMS_SYNC_TOKEN_FILE",
    file,
    "there is no such file, or it is empty; write there what hms-sync keys create printed",
  );
}

function tokenFromFile(dirs: readonly string[]): string {
  const token = firstFile(dirs, "token")?.content.trim();
  if (token) return token;
  throw noContext(
    `no token: HMS_SYNC_TOKEN is not set and the bus left no development token in ${dirs[0]} (in production it makes` +
      " none); make one with hms-sync keys create NAME and set HMS_SYNC_TOKEN",
  );
}

function firstFile(dirs: readonly string[], name: string): { path: string; content: string } | undefined {
  for (const dir of dirs) {
    const path = join(dir, name);
    try {
      return { path, content: readFileSync(path, "utf8") };
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code;
      if (code === "ENOENT" || code === "ENOTDIR") continue;
      throw noContext(
        `${path} cannot be read (${code}); run as the user who started the bus, or set HMS_SYNC_URL and HMS_SYNC_TOKEN`,
        cause,
      );
    }
  }
  return undefined;
}

function checkedUrl(url: string): string {
  if (/^https?:\/\/[^\s/]/i.test(url) && URL.canParse(url)) return url.replace(/\/+$/, "");
  throw invalidOption("HMS_SYNC_URL", url, "write an http(s) address like http://127.0.0.1:8480");
}

function checkedToken(token: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw invalidOption(
    "HMS_SYNC_TOKEN",
    "(not shown)",
    "it must be one word of ASCII; copy what hms-sync keys create printed",
  );
}

function noContext(detail: string, cause?: unknown): HmsSyncClientError {
  return new HmsSyncClientError("no_context", detail, { cause });
}
