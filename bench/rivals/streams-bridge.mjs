// Redis Streams behind a validating bridge: intake stream, bridge, stream of envelopes, a group for each consumer.
import { Redis } from "ioredis";
import { envelopeText, publisher as intake, rejectFailures, runBridge, startIntake } from "./intake.mjs";
import { groupConsumer, backlogOf as unread } from "./streams-group.mjs";

const stream = "events";

export const about = {
  title: "Redis Streams behind a bridge",
  setup:
    "XADD to an intake; a bridge reads 500 at a time, validates and adds the envelopes to one stream in a pipeline; each consumer reads its own group, one XACK a batch.",
  lacks:
    "No deduplication: a bridge that dies between XADD and XACK doubles a batch. Consumers need a Redis client and see every topic. No retry delays, dead letters or leases that end by themselves; trimming forgets what is still owed.",
};

export const start = startIntake;
export const publisher = intake;

export function bridge({ redis: url }) {
  const redis = new Redis(url);
  return runBridge(url, async (envelopes) => {
    const pipeline = redis.pipeline();
    for (const envelope of envelopes) pipeline.xadd(stream, "*", "envelope", envelopeText(envelope));
    rejectFailures(await pipeline.exec());
  });
}

export function consumer(access) {
  return groupConsumer(access, stream, ([, envelope]) => JSON.parse(envelope).payload);
}

export const backlogOf = ({ redis }, name) => unread(redis, stream, name);
