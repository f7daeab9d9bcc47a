/*
 * An adapter as its author writes it, but mortal. Settings come as JSON in ADAPTER: {url, token, lanes: [{topic, consumer,
 * table, once, config}], crash, seed, concurrency}. crash: "kill": when two handlers of each lane have come to their
 * points, one between effect and commit and one between commit and ack, they wait there and the process kills itself, so
 * that one death hits all of them. "stop": it stops itself between effect and commit, at random, until it gets SIGUSR2. "none". It says a line
 * for each step: word, topic, id and more.
 */
import { connect } from "@hms-sync/client";
import knex from "knex";

const { url, token, lanes, crash, seed, concurrency } = JSON.parse(process.env.ADAPTER);
const say = (...words) => process.stdout.write(`${words.join(" ")}\n`); // pipes are written at once on Linux
const silent = { info() {}, warn() {}, error() {} };
const databases = new Map();
let state = seed;

/** mulberry32 */
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
}

const points = crash === "kill" ? ["written", "committed"] : [];
const free = new Map(lanes.map(({ topic }) => [topic, [...points]]));
const before = new Map(lanes.map(({ topic }) => [topic, Math.floor(random() * 3)])); // events that go well first
const waiting = [];

/** At which point this event is to wait for the end. */
function roleOf(topic) {
  const left = before.get(topic);
  before.set(topic, left - 1);
  return left > 0 ? undefined : free.get(topic).shift();
}

/** Waits for the others at their points; the last one to come ends them all. */
function meet(point, msg) {
  waiting.push({ point, topic: msg.topic, id: msg.id });
  if (waiting.length === lanes.length * points.length) {
    for (const { topic, id, point } of waiting) say("crash", topic, id, point);
    process.kill(process.pid, "SIGKILL");
  }
  setInterval(() => msg.working(), 300); // until then it is ours
  return new Promise(() => undefined);
}

let calm = false;
process.on("SIGUSR2", () => {
  calm = true;
});

function stopPerhaps(msg, { once }) {
  if (crash !== "stop" || calm || random() >= (once ? 0.5 : 0.1)) return;
  say("crash", msg.topic, msg.id, "stop");
  process.kill(process.pid, "SIGSTOP");
}

async function handle(msg, lane) {
  const role = roleOf(msg.topic);
  let ran = false;
  try {
    await databases.get(lane.config.client).transaction(async (trx) => {
      const write = async () => {
        await trx(lane.table).insert({ event: msg.id });
        ran = true;
        if (role === "written") await meet("written", msg);
        stopPerhaps(msg, lane);
      };
      if (lane.once) await msg.once(trx, write);
      else await write();
    });
    if (ran && role === "committed") await meet("committed", msg);
  } finally {
    if (role !== undefined) free.get(msg.topic).unshift(role); // for another event
  }
}

async function run(lane) {
  const { topic, consumer, config } = lane;
  if (!databases.has(config.client))
    databases.set(config.client, knex({ ...config, pool: { min: 0, max: 20 } }));
  const bus = await connect({ url, token, consumer, logger: silent });
  const tell = async (msg) => {
    say("begin", topic, msg.id);
    try {
      await handle(msg, lane);
      await msg.ack();
      say("done", topic, msg.id);
    } catch (error) {
      say("failed", topic, msg.id, error.code ?? error.message);
      throw error;
    }
  };
  await bus.handle(topic, tell, { concurrency, max: 1 });
}

await Promise.all(lanes.map(run));
