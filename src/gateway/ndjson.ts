import { once } from "node:events";
import type { ServerResponse } from "node:http";

/** Begins an answer of JSON lines that goes on until the connection ends. */
export function beginLines(response: ServerResponse): void {
  response.writeHead(200, {
    "content-type": "application/x-ndjson",
    "cache-control": "no-store",
    // A stream ends with its connection, so that closing the gateway need not wait for it.
    connection: "close",
  });
  response.flushHeaders();
}

/** Writes lines; resolves when the reader has room for more, or `signal` aborts. */
export async function writeLines(
  response: ServerResponse,
  lines: Buffer,
  signal: AbortSignal,
): Promise<void> {
  const wrote = response.write(lines);
  // Both ends of the wait are ordinary: room again, or nobody there.
  if (!wrote && !signal.aborted) await once(response, "drain", { signal }).catch(() => {});
}
