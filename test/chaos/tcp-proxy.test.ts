import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.js";

let echo: Server;
let proxy: TcpProxy;
let heard = "";
const clients: Socket[] = [];

beforeEach(async () => {
  heard = "";
  echo = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.on("data", (bytes) => {
      heard += bytes.toString();
      socket.write(bytes);
    });
  });
  await once(echo.listen(0, "127.0.0.1"), "listening");
  proxy = await startTcpProxy((echo.address() as AddressInfo).port);
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await proxy.close();
  await new Promise((resolve) => echo.close(resolve));
});

/** A connection through the proxy that has said and heard "hello". */
async function open(): Promise<{ socket: Socket; said: () => string }> {
  const socket = connect(proxy.port, "127.0.0.1");
  clients.push(socket);
  let said = "";
  socket.on("error", () => socket.destroy());
  socket.on("data", (bytes) => {
    said += bytes.toString();
  });
  socket.write("hello ");
  await eventually(() => said === "hello ");
  return { socket, said: () => said };
}

test("cut: connections end and none is taken until it is healed", async () => {
  const { socket } = await open();
  proxy.cut();
  await eventually(() => socket.destroyed);
  const refused = connect(proxy.port, "127.0.0.1").on("error", () => undefined);
  clients.push(refused);
  await eventually(() => refused.destroyed);
  proxy.heal();
  await open();
});

test("replies lost: what is said arrives, what is answered does not, and the connection is reset when healed", async () => {
  const { socket, said } = await open();
  proxy.loseReplies();
  socket.write("one");
  await eventually(() => heard === "hello one");
  expect(said()).toBe("hello ");
  expect(socket.destroyed).toBe(false);
  proxy.heal();
  await eventually(() => socket.destroyed);
});

test("half-open: nothing arrives and nothing ends", async () => {
  const { socket } = await open();
  proxy.halfOpen();
  socket.write("one");
  const other = connect(proxy.port, "127.0.0.1").on("error", () => undefined);
  clients.push(other);
  await once(other, "connect");
  proxy.heal();
  await eventually(() => socket.destroyed);
  expect(heard).toBe("hello ");
});

test("clogged: nothing is lost, all comes once it is unclogged", async () => {
  const { socket, said } = await open();
  proxy.clog(() => true);
  socket.write("one");
  const free = await open(); // a newer connection is not clogged
  expect(said()).toBe("hello ");
  proxy.heal();
  await eventually(() => said() === "hello one");
  expect(free.said()).toBe("hello ");
});

test("slow: bytes come whole, in order and late", async () => {
  const { socket, said } = await open();
  proxy.latency(50);
  proxy.throttle(20_000);
  const before = performance.now();
  const text = "0123456789".repeat(500);
  socket.write(text);
  await eventually(() => said().length === text.length + 6);
  expect(said()).toBe(`hello ${text}`);
  expect(performance.now() - before).toBeGreaterThan(200);
});
