// Bare Redis Streams: the publisher validates and adds, each consumer has a group. No bridge.
import { violations } from "../schema.mjs";
import { publisher as adding, startIntake } from "./intake.mjs";
import { groupConsumer, backlogOf as unread } from "./streams-group.mjs";

const stream = "events";

export const about = {
  title: "Redis Streams, bare",
  setup:
    "The publisher validates and XADDs; each consumer reads its own group, 500 at a time, one XACK a batch.",
  lacks:
    "No bridge: every producer has to validate, every consumer needs a Redis client and the password of all topics. No deduplication, retry delays, dead letters or limits; an entry of a dead consumer waits for somebody's XAUTOCLAIM; trimming forgets what is still owed.",
};

export const start = startIntake;

export async function publisher({ redis }) {
  const sink = await adding({ redis, stream });
  return {
    async send(broadcasts) {
      for (const { data } of broadcasts) {
        const reason = violations(JSON.parse(data));
        if (reason !== undefined) throw new Error(`the bench publishes what its schema refuses: ${reason}`);
      }
      await sink.send(broadcasts);
    },
    close: sink.close,
  };
}

export function consumer(access) {
  return groupConsumer(access, stream, (fields) => JSON.parse(fields[fields.indexOf("data") + 1]));
}

export const backlogOf = ({ redis }, name) => unread(redis, stream, name);
