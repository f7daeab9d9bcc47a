// Publishes `count` events as the PHP driver does, at `rate` events/s (0: as fast as Redis takes them).
// usage: publisher.mjs REDIS_URL STREAM COUNT RATE FIRST [NAME of the inspector's field]
import { Redis } from "ioredis";

const [url, stream, countText, rateText, firstText, inspector = "completedBy"] = process.argv.slice(2);
const count = Number(countText);
const rate = Number(rateText);
const first = Number(firstText);
const redis = new Redis(url);
const batch = 200;

function fields(n) {
  const data = JSON.stringify({
    inspectionId: n,
    newStatus: "Completed",
    [inspector]: "INSPECTOR_1337",
    notes: "no findings; next visit in twelve months; keys with the caretaker",
    sentAt: process.hrtime.bigint().toString(),
  });
  return [
    ...[
      "id",
      `bench-${n}`,
      "channels",
      '["bench.events"]',
      "event",
      "App\\Events\\InspectionCompleted",
      "data",
      data,
    ],
    ...["time", new Date().toISOString(), "source", "hms-api", "timezone", "UTC"],
  ];
}

if (rate === 0) await flood();
else await paced();
redis.disconnect();

async function flood() {
  for (let sent = 0; sent < count; sent += batch) {
    const pipeline = redis.pipeline();
    for (let n = sent; n < Math.min(sent + batch, count); n++)
      pipeline.xadd(stream, "*", ...fields(first + n));
    await pipeline.exec();
  }
}

async function paced() {
  const started = performance.now();
  const adding = [];
  for (let sent = 0; sent < count; ) {
    const due = Math.min(count, Math.floor(((performance.now() - started) * rate) / 1000) + 1);
    while (sent < due) adding.push(redis.xadd(stream, "*", ...fields(first + sent++)));
    const wait = started + (sent * 1000) / rate - performance.now();
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, wait)));
  }
  await Promise.all(adding);
}
