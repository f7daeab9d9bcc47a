import type { IncomingMessage } from "node:http";
import { HmsSyncError } from "../errors.js";
import { invalidRequest } from "./body.js";

/** The path of a request as it came, without its query. */
export function pathOf(request: IncomingMessage): string {
  const url = request.url ?? "/";
  const query = url.indexOf("?");
  return query === -1 ? url : url.slice(0, query);
}

/** A segment of a path, percent-decoded. */
export function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    // Not percent-encoding: taken as it is, it names no topic.
    return segment;
  }
}

/**
 * Refuses (`malformed_http`, 400) a request without a Host or with several (RFC 9112, 3.2): of two, a proxy before us may
 * go by the other.
 */
export function checkHost({ rawHeaders, httpVersion }: IncomingMessage): void {
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2)
    if (rawHeaders[at]!.length === 4 && rawHeaders[at]!.toLowerCase() === "host") hosts++;
  if (hosts === 1 || (hosts === 0 && httpVersion === "1.0")) return;
  const problem = `the request has ${hosts === 0 ? "no Host" : "several Hosts"}; send one, as HTTP/1.1 asks`;
  throw new HmsSyncError("malformed_http", problem, { status: 400 });
}

/** The error for a path with a % that begins no encoding. */
export function badEncoding(request: IncomingMessage): HmsSyncError {
  return invalidRequest("the path", pathOf(request), "whole percent-encodings of UTF-8 (%25 for a %)");
}

/** The error for a path that is no route. */
export function notFound(request: IncomingMessage): HmsSyncError {
  return new HmsSyncError(
    "not_found",
    `there is no route ${request.method} ${pathOf(request).slice(0, 200)}`,
    {
      status: 404,
    },
  );
}
