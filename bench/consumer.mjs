// One adapter on the client: acks every event. usage: consumer.mjs GATEWAY_URL TOKEN CONSUMER COUNT WARMUP
import { connect } from "@hms-sync/client";
import { Report } from "./report.mjs";

const [url, token, consumer, count, warmup] = process.argv.slice(2);
const report = new Report(Number(count), Number(warmup));
const bus = await connect({ url, token, consumer });
process.stdout.write("ready\n");
const acks = [];
for await (const msg of bus.subscribe("bench.events")) {
  report.handled(msg.payload.sentAt);
  acks.push(msg.ack());
  if (report.ackedOne()) break;
}
await Promise.all(acks);
report.print();
await bus.close();
