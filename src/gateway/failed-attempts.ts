import { hash } from "node:crypto";
import type { HmsSyncError } from "../errors.js";
import { tooMany } from "./rate-limit.js";
import { type Rate, TokenBuckets } from "./token-buckets.js";

/** Failed authentications of one address. */
const allowed: Rate = { perSecond: 1, burst: 60 };
const maxRemembered = 10_000;

/**
 * Counts failed authentications by address, so that credentials cannot be tried at leisure. What has worked from an
 * address goes on working there: one client with an old token does not lock out its neighbours behind the same proxy.
 */
export class FailedAttempts {
  private readonly worked = new Set<string>();

  constructor(private readonly buckets = new TokenBuckets()) {}

  /** Throws `too_many_failures` (429) when the address has failed too often and `credential` never worked there. */
  check(address: string, credential: string): void {
    const waitMs = this.buckets.wait(address, allowed);
    if (waitMs > 0 && !this.worked.has(nameOf(address, credential))) throw tooManyFailures(address, waitMs);
  }

  failed(address: string): void {
    this.buckets.take(address, 1, allowed);
  }

  succeeded(address: string, credential: string): void {
    const name = nameOf(address, credential);
    if (this.worked.has(name)) return;
    if (this.worked.size >= maxRemembered) this.worked.clear();
    this.worked.add(name);
  }
}

/** Hashed, so that no token is kept in memory as it is. */
function nameOf(address: string, credential: string): string {
  return hash("sha256", `${address}\n${credential}`, "base64");
}

function tooManyFailures(address: string, waitMs: number): HmsSyncError {
  return tooMany(
    "too_many_failures",
    `too many failed authentications from ${address}, and this credential has not worked from there before`,
    waitMs,
  );
}
