import { type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { HmsSyncError } from "../errors.js";
import { problemOf } from "./problem.js";

/** How long (ms) a refused connection may take to read its answer. */
const goodbyeMs = 1_000;

/**
 * Answers what never became a request, or whose body broke: a client that is too slow, or bytes that are not HTTP. As a
 * problem where the connection still takes one; `current` is the newest response on it: when it has begun, what is
 * written of it is all that comes.
 */
export function answerClientError(
  error: NodeJS.ErrnoException,
  socket: Duplex,
  current: ServerResponse | undefined,
): void {
  if (socket.writableEnded) return; // answered already; what still comes is thrown away
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  if (current?.req.complete === true && !current.writableFinished) {
    endAfter(current, socket);
    return;
  }
  const answering = current?.headersSent === true && !current.writableFinished;
  socket.end(answering ? undefined : rawProblem(clientError(error.code)));
  // Not at once: unread bytes would turn the close into a reset, and the client might never see the answer.
  const forced = setTimeout(() => socket.destroy(), goodbyeMs);
  forced.unref();
  socket.once("close", () => clearTimeout(forced));
}

/** What came behind a whole request spoils only itself: that request is answered, perhaps with what it has stored. */
function endAfter(current: ServerResponse, socket: Duplex): void {
  socket.pause();
  if (!current.headersSent) current.setHeader("connection", "close");
  current.once("close", () => socket.end());
}

function clientError(code: string | undefined): HmsSyncError {
  switch (code) {
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return new HmsSyncError(
        "request_timeout",
        "the request did not come in whole in time; nothing was stored, send it faster",
        { status: 408 },
      );
    case "HPE_HEADER_OVERFLOW":
      return new HmsSyncError(
        "headers_too_large",
        "the headers are larger than 16 KiB; send fewer or shorter ones",
        {
          status: 431,
        },
      );
    case "HPE_INVALID_EOF_STATE":
      return new HmsSyncError(
        "truncated_body",
        "the connection ended before the request did; nothing was stored",
        {
          status: 400,
        },
      );
    default:
      return new HmsSyncError("malformed_http", "the request is not HTTP/1.1; nothing was stored", {
        status: 400,
      });
  }
}

function rawProblem(error: HmsSyncError): string {
  const body = JSON.stringify(problemOf(error));
  return [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}`,
    "content-type: application/problem+json",
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
    "",
    body,
  ].join("\r\n");
}
