import { connect } from "node:net";

export interface RawAnswer {
  /** 0: the connection was closed without an answer. */
  readonly status: number;
  readonly headers: string;
  readonly body: string;
}

/** How long (ms) a connection may stay open without an end; then the gateway hangs. */
const patienceMs = 25_000;

/** Sends bytes that need be no HTTP and reads until the gateway closes the connection or has answered in whole. */
export async function sendRaw(port: number, bytes: Buffer): Promise<RawAnswer> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const chunks: Buffer[] = [];
  return await new Promise<RawAnswer>((resolve, reject) => {
    const hung = setTimeout(() => {
      socket.destroy();
      reject(new Error(`no end of the answer after ${patienceMs} ms: ${Buffer.concat(chunks).toString()}`));
    }, patienceMs);
    const end = () => {
      clearTimeout(hung);
      socket.destroy();
      resolve(parsed(Buffer.concat(chunks).toString()));
    };
    socket.on("data", (chunk) => {
      chunks.push(chunk);
      if (isWhole(Buffer.concat(chunks).toString())) end();
    });
    socket.on("error", () => {}); // a reset shows in what was received
    socket.on("end", end);
    socket.on("close", end);
    socket.write(bytes);
  });
}

function isWhole(answer: string): boolean {
  const { status, headers, body } = parsed(answer);
  const length = /^content-length: (\d+)/im.exec(headers)?.[1];
  return status >= 200 && length !== undefined && Buffer.byteLength(body) >= Number(length);
}

function parsed(answer: string): RawAnswer {
  const headEnd = answer.indexOf("\r\n\r\n");
  const headers = headEnd === -1 ? answer : answer.slice(0, headEnd);
  if (/^HTTP\/1\.1 1\d\d /.test(headers)) return parsed(answer.slice(headEnd + 4)); // 100 Continue
  const status = Number(/^HTTP\/1\.1 (\d+)/.exec(headers)?.[1] ?? 0);
  return { status, headers, body: headEnd === -1 ? "" : answer.slice(headEnd + 4) };
}
