import { BlockList, isIP } from "node:net";
import type { Environment } from "./context.js";
import { invalidOption } from "./errors.js";

/** A proxy to go through. */
export interface ProxyAddress {
  /** Its address, without credentials. */
  readonly url: URL;
  /** `Proxy-Authorization`, when the address held a user. Never to be logged. */
  readonly authorization: string | undefined;
}

/**
 * The proxy to reach `target` by: what was given (`false`: none), else for https what curl would take from the
 * environment: `https_proxy` or `HTTPS_PROXY`, unless `no_proxy` or `NO_PROXY` names the host. A bus on this machine is
 * never reached through a proxy of the environment, nor is one at an http:// address.
 * @throws HmsSyncClientError `invalid_option`.
 */
export function proxyFor(
  target: URL,
  given: string | URL | false | undefined,
  env: Environment = process.env,
): ProxyAddress | undefined {
  if (given === false) return undefined;
  if (given !== undefined) return parseProxy("proxy", String(given));
  if (target.protocol !== "https:") return undefined;
  const [name, value] = firstSet(env, "https_proxy", "HTTPS_PROXY");
  if (value === "") return undefined;
  const host = bare(target.hostname);
  if (isLocal(host) || isExcepted(host, firstSet(env, "no_proxy", "NO_PROXY")[1])) return undefined;
  return parseProxy(name, value);
}

/** The address as it may be shown. */
export function shownProxy(url: URL): string {
  return `${url.protocol}//${url.host}`;
}

/** Whether `list` names the host as curl reads NO_PROXY: `*`, names with all below them, addresses, CIDR blocks. */
export function isExcepted(host: string, list: string): boolean {
  return list
    .split(/[\s,]+/)
    .filter((entry) => entry !== "")
    .some((entry) => entry === "*" || matches(trimmed(host), trimmed(bare(entry))));
}

function matches(host: string, entry: string): boolean {
  const kind = isIP(host);
  if (kind === 0) return host === entry || host.endsWith(`.${entry}`);
  if (host === entry) return true;
  const [address = "", bits] = entry.split("/");
  const version = isIP(address);
  if (version === 0 || version !== kind) return false;
  return isInBlock(host, address, bits ?? "", version === 6 ? "ipv6" : "ipv4");
}

function isInBlock(host: string, address: string, bits: string, family: "ipv4" | "ipv6"): boolean {
  const prefix = bits === "" ? Number.NaN : Number(bits);
  const block = new BlockList();
  if (Number.isNaN(prefix))
    block.addAddress(address, family); // another spelling of one IPv6 address
  else if (Number.isInteger(prefix) && prefix >= 0 && prefix <= (family === "ipv6" ? 128 : 32))
    block.addSubnet(address, prefix, family);
  return block.check(host, family);
}

function isLocal(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost") || host === "::1" || /^127\.\d/.test(host);
}

/** Without the brackets of an IPv6 address. */
function bare(host: string): string {
  return host.replace(/^\[|\]$/g, "");
}

/** In lower case, without the dots that may stand around a name. */
function trimmed(name: string): string {
  return name.toLowerCase().replace(/^\.+|\.+$/g, "");
}

/** curl takes the lower-case name first, and an empty value as none. */
function firstSet(env: Environment, ...names: string[]): [name: string, value: string] {
  for (const name of names) {
    const value = env[name]?.trim();
    if (value) return [name, value];
  }
  return [names[0]!, ""];
}

function parseProxy(name: string, value: string): ProxyAddress {
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.hostname === "") {
    throw invalidOption(name, masked(text), "write an http(s) address like http://user:password@proxy:3128");
  }
  const { username, password } = url;
  url.username = "";
  url.password = "";
  return { url, authorization: username === "" ? undefined : basic(username, password) };
}

function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${decoded(username)}:${decoded(password)}`).toString("base64")}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a password with a bare %
  }
}

/** Whatever stands before the last @ may be a password. */
function masked(text: string): string {
  return text.includes("@") ? `…${text.slice(text.lastIndexOf("@"))}` : text;
}
