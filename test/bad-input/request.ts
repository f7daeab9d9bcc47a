import { type Bytes, bytesOf } from "./bytes.js";

export interface Request {
  readonly method?: string | undefined;
  readonly path?: Bytes | undefined;
  /** null takes a header away that is there otherwise. */
  readonly headers?: Readonly<Record<string, Bytes | null>> | undefined;
  readonly body?: Bytes | undefined;
}

/** The bytes of a request that closes its connection; as admin and of JSON, unless its headers say otherwise. */
export function request(
  { method = "GET", path = "/", headers, body }: Request,
  values: Record<string, string>,
): Buffer {
  const content = body === undefined ? undefined : bytesOf(body, values);
  const all: Record<string, Bytes | null> = {
    host: "x",
    connection: "close",
    authorization: "Bearer {{admin}}",
    ...(content === undefined
      ? {}
      : { "content-type": "application/json", "content-length": String(content.length) }),
    ...headers,
  };
  const lines = Object.entries(all)
    .filter(([, value]) => value !== null)
    .map(([name, value]) =>
      Buffer.concat([Buffer.from(`${name}: `), bytesOf(value!, values), Buffer.from("\r\n")]),
    );
  const head = [Buffer.from(`${method} `), bytesOf(path, values), Buffer.from(" HTTP/1.1\r\n"), ...lines];
  return Buffer.concat([...head, Buffer.from("\r\n"), content ?? Buffer.alloc(0)]);
}
