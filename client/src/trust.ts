import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import tls, { type SecureContext } from "node:tls";
import type { Environment } from "./context.js";
import { HmsSyncClientError, invalidOption } from "./errors.js";

/** Certificates in PEM: text, bytes, or several of them. */
export type CertificateAuthorities = string | Buffer | readonly (string | Buffer)[];

/**
 * Whom TLS trusts: the public authorities and those given, else those in the file that HMS_SYNC_CA names; undefined
 * for the public ones alone.
 * @throws HmsSyncClientError `invalid_option`.
 */
export function trustOf(
  given: CertificateAuthorities | undefined,
  env: Environment = process.env,
): SecureContext | undefined {
  const own = given === undefined ? fromFile(env.HMS_SYNC_CA) : certificatesIn("ca", given);
  if (own === undefined) return undefined;
  // Made once: reading all public authorities takes some milliseconds.
  return tls.createSecureContext({ ca: [...tls.rootCertificates, ...own] });
}

function fromFile(path: string | undefined): string[] | undefined {
  if (!path) return undefined;
  try {
    return certificatesIn("HMS_SYNC_CA", readFileSync(path), path);
  } catch (cause) {
    if (cause instanceof HmsSyncClientError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    throw invalidOption(
      "HMS_SYNC_CA",
      path,
      `the file cannot be read (${code}); give one with certificates in PEM`,
    );
  }
}

function certificatesIn(name: string, given: CertificateAuthorities, path?: string): string[] {
  const texts = (Array.isArray(given) ? given : [given]).map(String);
  const found = texts.flatMap(
    (text) => text.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [],
  );
  if (found.length > 0 && found.every(isCertificate)) return found;
  throw invalidOption(
    name,
    path ?? "text without certificates",
    "give certificates in PEM (-----BEGIN CERTIFICATE-----)",
  );
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false; // TLS itself would pass over it without a word
  }
}
