// Handles what it gets, two at a time: a program as an adapter's author writes it. Arguments: address of the bus, ms a handler takes.
import { connect } from "@hms-sync/client";

const [url, handlerMs] = process.argv.slice(2);
const say = (line) => process.stdout.write(`${line}\n`);
const bus = await connect({ url, token: "secret" });
const handled = async (msg) => {
  say(`begin ${msg.id}`);
  await new Promise((resolve) => setTimeout(resolve, Number(handlerMs)));
  say(`end ${msg.id}`);
};
await Promise.all([
  bus.handle("t", handled, { concurrency: 2 }),
  bus.handle("u", handled, { concurrency: 2 }),
]);
say("handle resolved");
