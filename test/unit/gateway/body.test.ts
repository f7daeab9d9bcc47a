import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { expect, test } from "vitest";
import { readBody } from "../../../src/gateway/body.js";

/** A request whose headers have come, and nothing of its body. */
function request(headers: Record<string, string> = {}): IncomingMessage {
  const message = new IncomingMessage(new Socket());
  Object.assign(message.headers, headers);
  return message;
}

test("a client that went away before its body was asked for is told of at once, not waited for", async () => {
  const gone = request();
  gone.destroy();
  await new Promise((resolve) => gone.once("close", resolve));
  await expect(readBody(gone, 100)).rejects.toMatchObject({ code: "truncated_body", status: 400 });
});

test("a client that goes away without an error is told of too", async () => {
  const going = request();
  const body = readBody(going, 100);
  going.push("half");
  going.destroy();
  await expect(body).rejects.toMatchObject({ code: "truncated_body" });
});

test.each(["gzip", "br", "identity, gzip"])("a body in %s is refused unread", async (encoding) => {
  await expect(readBody(request({ "content-encoding": encoding }), 100)).rejects.toMatchObject({
    code: "unsupported_encoding",
    status: 415,
  });
});

test("an uncompressed body of exactly the limit is taken, one byte more is not", async () => {
  const read = (text: string) => {
    const message = request({ "content-encoding": "identity" });
    message.push(text);
    message.push(null);
    return readBody(message, 4);
  };
  expect((await read("1234")).toString()).toBe("1234");
  await expect(read("12345")).rejects.toMatchObject({ code: "body_too_large", details: { limit: 4 } });
});
