import { createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { HmsSyncError } from "../errors.js";

/**
 * Signatures as Standard Webhooks has them (github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md).
 * Its library `standardwebhooks` 1.1 is what the tests sign with, but not what verifies here: it decodes the body
 * before it hashes it, so that bytes which are not UTF-8 count as others, it takes "1700000000x" for a timestamp, hashes
 * in JavaScript (256 KiB with each secret in turn), and tells its errors apart by their wording only.
 */
export interface WebhookSignature {
  readonly id: string;
  /** Unix seconds, as the header has them. */
  readonly timestamp: string;
  /** Those of version v1: HMAC-SHA256. */
  readonly signatures: readonly Buffer[];
}

export interface WebhookSecret {
  readonly system: string;
  readonly key: Buffer;
}

/** How far a timestamp may be from our clock (seconds). */
const toleranceSeconds = 300;
const names = ["webhook-id", "webhook-timestamp", "webhook-signature"] as const;
/** A full stop parts what is signed; an id that holds one could be read as id and timestamp. */
const idForm = /^[\x21-\x2d\x2f-\x7e]{1,255}$/;
const signatureForm = /^(v\d{1,4}[a-z]{0,4}),([A-Za-z0-9+/]+={0,2})$/;

/** Whether a request is signed rather than made with a token. */
export function isSigned(headers: IncomingHttpHeaders): boolean {
  return headers.authorization === undefined && names.some((name) => headers[name] !== undefined);
}

/**
 * The signature of a request. Throws (401) `signature_incomplete`, `signature_malformed`, `signature_version`, when none
 * is of version v1, `timestamp_too_old` and `timestamp_too_new`.
 */
export function readSignature(headers: IncomingHttpHeaders, nowMs: number): WebhookSignature {
  const missing = names.filter((name) => headers[name] === undefined || headers[name] === "");
  if (missing.length > 0) throw incomplete(missing);
  const [id, timestamp, list] = names.map((name) => String(headers[name])) as [string, string, string];
  if (!idForm.test(id))
    throw malformed("webhook-id", "1 to 255 printable ASCII characters, none a full stop");
  checkTime(timestamp, nowMs);
  return { id, timestamp, signatures: signaturesIn(list) };
}

/** The system whose secret made one of the signatures over these bytes. Never throws, whatever their length. */
export function matchingSystem(
  { id, timestamp, signatures }: WebhookSignature,
  body: Buffer,
  secrets: Iterable<WebhookSecret>,
): string | undefined {
  for (const { system, key } of secrets) {
    const expected = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest();
    const matches = signatures.some(
      (signature) => signature.length === expected.length && timingSafeEqual(signature, expected),
    );
    if (matches) return system;
  }
  return undefined;
}

/** The refusal of a signature that no secret made. It does not tell whether there is such a topic or any secret. */
export function mismatch(topic: string): HmsSyncError {
  return unauthorized(
    "signature_mismatch",
    `no signature was made over exactly these bytes with a valid secret of a producer of ${topic.slice(0, 100)}; sign the body as it is sent, and compare the secret with: hms-sync keys list`,
  );
}

function signaturesIn(list: string): Buffer[] {
  const parts = list.split(" ").map((part) => signatureForm.exec(part));
  if (parts.includes(null)) {
    throw malformed("webhook-signature", "signatures like v1,<base64>, separated by single spaces");
  }
  const found = parts.filter((part) => part![1] === "v1").map((part) => Buffer.from(part![2]!, "base64"));
  if (found.length > 0) return found;
  throw unauthorized(
    "signature_version",
    `webhook-signature has no signature of version v1, only ${[...new Set(parts.map((part) => part![1]))].slice(0, 5).join(", ")}; sign with HMAC-SHA256 and a secret of this bus (whsec_…)`,
  );
}

function checkTime(timestamp: string, nowMs: number): void {
  if (!/^\d{1,12}$/.test(timestamp)) throw malformed("webhook-timestamp", "Unix time in whole seconds");
  const ahead = Number(timestamp) - Math.floor(nowMs / 1_000);
  const within = `at most ${toleranceSeconds} s; send it when it is signed, and compare the clocks`;
  if (ahead < -toleranceSeconds) {
    throw unauthorized("timestamp_too_old", `webhook-timestamp is ${-ahead} s ago, which may be ${within}`);
  }
  if (ahead > toleranceSeconds) {
    throw unauthorized("timestamp_too_new", `webhook-timestamp is ${ahead} s ahead, which may be ${within}`);
  }
}

function incomplete(missing: readonly string[]): HmsSyncError {
  return unauthorized(
    "signature_incomplete",
    `a signed request needs ${names.join(", ")}, and ${missing.join(", ")} ${missing.length === 1 ? "is" : "are"} missing`,
  );
}

function malformed(name: string, expected: string): HmsSyncError {
  return unauthorized("signature_malformed", `${name} cannot be read; send ${expected}`);
}

type Code =
  | "signature_incomplete"
  | "signature_malformed"
  | "signature_version"
  | "signature_mismatch"
  | "timestamp_too_old"
  | "timestamp_too_new";

function unauthorized(code: Code, message: string): HmsSyncError {
  return new HmsSyncError(code, message, { status: 401 });
}
