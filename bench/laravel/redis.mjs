import { freePort, start } from "../processes.mjs";

/** A redis-server for a bench, without a disk under it: both sides pay for Redis alike. */
export async function startRedis(directory) {
  const port = await freePort();
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--dir", directory];
  const process = start("redis-server", [...args, "--save", "", "--appendonly", "no"]);
  await process.line(/Ready to accept connections/);
  return { port, url: `redis://127.0.0.1:${port}`, process };
}
