import { createServer } from "node:net";
import { start } from "../processes.mjs";

/** A redis-server for a bench, without a disk under it: both sides pay for Redis alike. */
export async function startRedis(directory) {
  const port = await freePort();
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--dir", directory];
  const process = start("redis-server", [...args, "--save", "", "--appendonly", "no"]);
  await process.line(/Ready to accept connections/);
  return { port, url: `redis://127.0.0.1:${port}`, process };
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Smallest, median and largest of some figures, as text. */
export function spread(figures, digits = 2) {
  const sorted = [...figures].sort((a, b) => a - b);
  return [sorted[0], sorted[sorted.length >> 1], sorted.at(-1)]
    .map((each) => each.toFixed(digits))
    .join(" / ");
}
