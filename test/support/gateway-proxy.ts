import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

export interface GatewayProxy {
  readonly url: string;
  /** Holds back every call that carries an ack, for ever: its sender waits. Resolves at the first one. */
  holdAcks(): Promise<void>;
  /** Passes every publish on and holds back its answer, for ever. Resolves when the gateway has answered the first one. */
  holdPublished(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Stands before a gateway and can hold acks or answers back: the way to end an adapter between its effect and its ack, or
 * between what it has published and its own record of that.
 */
export async function startGatewayProxy(gateway: string): Promise<GatewayProxy> {
  let onAck: (() => void) | undefined;
  let onPublished: (() => void) | undefined;
  const server = createServer((incoming, response) => {
    void buffer(incoming)
      .then((body) => {
        if (onAck !== undefined && carriesAck(body)) onAck();
        else pass(gateway, incoming, body, response, isPublish(incoming) ? onPublished : undefined);
      })
      .catch(() => response.destroy()); // the adapter went away while it was sending
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    holdAcks: () =>
      new Promise((resolve) => {
        onAck = resolve;
      }),
    holdPublished: () =>
      new Promise((resolve) => {
        onPublished = resolve;
      }),
    close: () => close(server),
  };
}

/** Alone or on its way with a pull. */
function carriesAck(body: Buffer): boolean {
  if (body.length === 0) return false;
  const { settle = [] } = JSON.parse(body.toString()) as { settle?: { action: string }[] };
  return settle.some(({ action }) => action === "ack");
}

function isPublish({ method, url }: IncomingMessage): boolean {
  return method === "POST" && url?.endsWith("/events") === true;
}

/** @param instead called with the gateway's answer, which then is not passed back. */
function pass(
  gateway: string,
  incoming: IncomingMessage,
  body: Buffer,
  response: ServerResponse,
  instead: (() => void) | undefined,
): void {
  const { method, headers } = incoming;
  const outgoing = request(new URL(incoming.url ?? "/", gateway), { method, headers, agent: false });
  outgoing.on("response", (answer) => {
    if (instead !== undefined) {
      answer.resume().once("end", instead);
      return;
    }
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  outgoing.on("error", () => response.destroy());
  response.on("close", () => outgoing.destroy());
  outgoing.end(body);
}

async function close(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
}
