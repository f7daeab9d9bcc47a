// Says what it gets: a program as an adapter's author writes it. Arguments: address of the bus, ms a handler takes.
import { connect } from "@hms-sync/client";

const [url, handlerMs] = process.argv.slice(2);
const say = (line) => process.stdout.write(`${line}\n`);
const bus = await connect({ url, token: "secret" });
for await (const msg of bus.subscribe("t")) {
  say(`begin ${msg.id}`);
  await new Promise((resolve) => setTimeout(resolve, Number(handlerMs)));
  msg.ack();
  say(`end ${msg.id}`);
}
say("loop ended");
