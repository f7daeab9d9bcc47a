import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A private authority, and a key with a certificate of it for bus.test, localhost and 127.0.0.1. In PEM. */
export interface Certificates {
  readonly ca: string;
  readonly caFile: string;
  readonly key: string;
  readonly cert: string;
}

/** Made by openssl, in a directory of the test file. */
export function makeCertificates(): Certificates {
  const dir = mkdtempSync(join(tmpdir(), "ca-"));
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: dir, stdio: "pipe" });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl(
    "req",
    "-x509",
    ...key,
    "-keyout",
    "ca.key",
    "-out",
    "ca.pem",
    "-days",
    "2",
    "-subj",
    "/CN=Agency CA",
  );
  openssl("req", ...key, "-keyout", "bus.key", "-out", "bus.csr", "-subj", "/CN=bus.test");
  writeFileSync(join(dir, "san"), "subjectAltName=DNS:bus.test,DNS:localhost,IP:127.0.0.1\n");
  const signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "san"];
  openssl("x509", "-req", "-in", "bus.csr", "-out", "bus.pem", ...signed);
  const read = (name: string) => readFileSync(join(dir, name), "utf8");
  return {
    ca: read("ca.pem"),
    caFile: join(dir, "ca.pem"),
    key: read("bus.key"),
    cert: read("bus.pem"),
  };
}
