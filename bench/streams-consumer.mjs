// The rival: a bare Redis Streams consumer group that parses and acks every event. usage: streams-consumer.mjs REDIS_URL STREAM GROUP COUNT WARMUP
import { Redis } from "ioredis";
import { Report } from "./report.mjs";

const [url, stream, group, count, warmup] = process.argv.slice(2);
const report = new Report(Number(count), Number(warmup));
const redis = new Redis(url);
const acking = new Redis(url);
await acking.xgroup("CREATE", stream, group, "0", "MKSTREAM").catch((error) => {
  if (!String(error).includes("BUSYGROUP")) throw error;
});
process.stdout.write("ready\n");
for (let done = false; !done; ) {
  const reply = await redis.xreadgroup(
    "GROUP",
    group,
    "one",
    "COUNT",
    500,
    "BLOCK",
    1000,
    "STREAMS",
    stream,
    ">",
  );
  const ids = [];
  for (const [id, fields] of reply?.[0]?.[1] ?? []) {
    report.handled(JSON.parse(fields[fields.indexOf("data") + 1]).sentAt);
    ids.push(id);
    done = report.ackedOne() || done;
  }
  if (ids.length > 0) await acking.xack(stream, group, ...ids);
}
report.print();
redis.disconnect();
acking.disconnect();
