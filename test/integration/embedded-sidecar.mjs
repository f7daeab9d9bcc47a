/**
 * What a sidecar does with its embedded Redis and nothing else: starts it in the state directory argv[2] on the port
 * argv[3], prints `ready <url>` and stops it on SIGTERM. Run from dist by embedded.test.ts.
 */
import { createLogger } from "../../dist/log.js";
import { startEmbeddedRedis } from "../../dist/redis/embedded.js";

const [stateDir, port] = process.argv.slice(2);
const redis = await startEmbeddedRedis({
  stateDir,
  port: Number(port),
  log: createLogger({ level: "debug" }),
});
process.once("SIGTERM", async () => {
  await redis.stop();
  process.stdout.write("stopped\n");
});
process.stdout.write(`ready ${redis.url}\n`);
