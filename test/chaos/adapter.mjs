/*
 * An adapter process of the chaos runs: writes one row for each event into PostgreSQL. Settings come as JSON in ADAPTER:
 * {url, token, lanes: [{topic, consumer, once}], config, concurrency, dieAt?: {point, event?}, slowMs?, blockMs?}.
 * dieAt: it kills itself at that point ("before" its transaction, "written" and not yet committed, "committed" and not yet
 * acked) of that event, or of the first one. slowMs: each event takes that long; blockMs: with its event loop blocked. An
 * event whose payload says `"poison": true` fails each time. It says a line of JSON for each step of an event.
 */
import { connect, jsonLogger } from "@hms-sync/client";
import knex from "knex";

const settings = JSON.parse(process.env.ADAPTER);
const { url, token, lanes, config, concurrency = 8, dieAt, slowMs = 0, blockMs = 0 } = settings;
const db = knex({ ...config, pool: { min: 0, max: concurrency * lanes.length } });

function say(word, msg, more = {}) {
  process.stdout.write(
    `${JSON.stringify({ at: Date.now(), word, topic: msg.topic, consumer: more.consumer, id: msg.id, ...more })}\n`,
  );
}

function dieIfTold(point, msg) {
  if (dieAt?.point !== point || (dieAt.event ?? msg.id) !== msg.id) return;
  process.kill(process.pid, "SIGKILL");
}

function work() {
  const end = performance.now() + blockMs;
  while (performance.now() < end);
  return slowMs === 0 ? undefined : new Promise((resolve) => setTimeout(resolve, slowMs));
}

async function handle(msg, { consumer, once }) {
  dieIfTold("before", msg);
  await work();
  if (msg.payload.poison === true) throw new Error("this event cannot be worked on");
  await db.transaction(async (trx) => {
    const write = async () => {
      const { topic, id: event, data: body, attempt, replayed } = msg;
      await trx("effects").insert({ consumer, topic, event, body, attempt, replayed });
      dieIfTold("written", msg);
    };
    if (once) await msg.once(trx, write);
    else await write();
  });
  dieIfTold("committed", msg);
}

async function run(lane) {
  const { consumer } = lane;
  const bus = await connect({ url, token, consumer, logger: jsonLogger() });
  const tell = async (msg) => {
    say("begin", msg, { consumer, attempt: msg.attempt, replayed: msg.replayed });
    try {
      await handle(msg, lane);
      await msg.ack();
      say("done", msg, { consumer });
    } catch (error) {
      say("failed", msg, { consumer, code: error.code ?? "handler" });
      throw error;
    }
  };
  await bus.handle(lane.topic, tell, { concurrency });
}

await Promise.all(lanes.map(run));
