// One process of a rival; the bench calls its methods over IPC. usage: role.mjs RIVAL publisher|bridge|consumer ACCESS
import { publish } from "./feed.mjs";
import { Report } from "./report.mjs";
import { rivalNamed } from "./rivals/index.mjs";

const [rivalName, role, access] = process.argv.slice(2);
const rival = await rivalNamed(rivalName);
const methods = await { publisher, bridge, consumer }[role](JSON.parse(access));
process.on("message", async ({ call, method, options }) => {
  try {
    process.send({ call, result: await methods[method](options) });
  } catch (error) {
    process.send({ call, error: error.stack });
  }
});
process.on("disconnect", () => process.exit()); // the bench is gone
process.send({ ready: true });

async function publisher(access) {
  const sink = await rival.publisher(access);
  return { publish: (load) => publish(sink, load) };
}

async function bridge(access) {
  Promise.resolve(rival.bridge(access)).catch((error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exit(1);
  });
  return {};
}

async function consumer(access) {
  const taker = await rival.consumer(access);
  return {
    async take({ count, latencies, since }) {
      const report = new Report(latencies);
      const acked = await taker.take(count, (payload) => report.handled(payload.sentAt), since);
      return report.figures(acked);
    },
    rest: () => taker.rest(),
  };
}
