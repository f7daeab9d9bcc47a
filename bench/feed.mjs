const batch = 200;

/**
 * Publishes `count` events through a rival's `send`, numbered from `first`: at `rate` events/s, each on its own when it is due,
 * or without a rate in batches as fast as they are taken. `inspector` is another name for the field `completedBy`.
 */
export async function publish(sink, { first, count, rate, inspector }) {
  const make = (index) => broadcast(first + index, inspector);
  if (rate === 0) await flood(sink, count, make);
  else await paced(sink, count, rate, make);
}

async function flood(sink, count, make) {
  for (let sent = 0; sent < count; sent += batch) {
    const size = Math.min(batch, count - sent);
    await sink.send(Array.from({ length: size }, (_, index) => make(sent + index)));
  }
}

async function paced(sink, count, rate, make) {
  const started = performance.now();
  const sending = [];
  for (let sent = 0; sent < count; ) {
    const due = Math.min(count, Math.floor(((performance.now() - started) * rate) / 1000) + 1);
    while (sent < due) sending.push(sink.send([make(sent++)]));
    const wait = started + (sent * 1000) / rate - performance.now();
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, wait)));
  }
  await Promise.all(sending);
}

/** What the PHP driver writes for one event of about 200 bytes, with the time of publishing in it. */
function broadcast(n, inspector = "completedBy") {
  const data = JSON.stringify({
    inspectionId: n,
    newStatus: "Completed",
    [inspector]: "INSPECTOR_1337",
    notes: "no findings; next visit in twelve months; keys with the caretaker",
    sentAt: process.hrtime.bigint().toString(),
  });
  return {
    ...{ id: `bench-${n}`, channels: '["bench.events"]', event: "App\\Events\\InspectionCompleted", data },
    ...{ time: new Date().toISOString(), source: "hms-api", timezone: "UTC" },
  };
}
