// f) Publishing over HTTP, one event a request and in batches.
import { openLab } from "../lab.mjs";
import { topic } from "../schema.mjs";

export const http = {
  title: "Publishing over HTTP",
  how: "From the first request to the last answer 202, which comes when the ledger has the events: single events by 32 senders side by side, and CloudEvents batches of 250 by 4.",
  rivals: ["hms-sync"],
  jobs: ({ singles, batches }) => [
    { name: "one event a request", requests: singles, events: 1, senders: 32 },
    { name: "batches of 250", requests: batches, events: 250, senders: 4 },
  ],

  async measure(rival, { name, requests, events, senders }, options) {
    const lab = await openLab(rival, { ...options, consumers: 1, publishes: false });
    try {
      await send(lab, Math.ceil(requests / 4), events, senders);
      const started = performance.now();
      await send(lab, requests, events, senders);
      const seconds = (performance.now() - started) / 1000;
      await lab.take(lab.owed, { latencies: false });
      return [{ ...lab.result(name), figures: { perSecond: (requests * events) / seconds } }];
    } finally {
      await lab.close();
    }
  },
};

async function send(lab, requests, events, senders) {
  let left = requests;
  const sender = async () => {
    while (left-- > 0) {
      const first = lab.next;
      lab.publishedElsewhere(events);
      await (events === 1 ? post(lab.access, first) : postBatch(lab.access, first, events));
    }
  };
  await Promise.all(Array.from({ length: senders }, sender));
}

function post(access, n) {
  return request(access, { "content-type": "application/json", "idempotency-key": `bench-${n}` }, payload(n));
}

function postBatch(access, first, count) {
  const events = Array.from({ length: count }, (_, index) => ({
    ...{ specversion: "1.0", id: `bench-${first + index}`, source: "/bench", type: "bench" },
    data: payload(first + index),
  }));
  return request(access, { "content-type": "application/cloudevents-batch+json" }, events);
}

function payload(n) {
  return {
    ...{ inspectionId: n, newStatus: "Completed", completedBy: "INSPECTOR_1337" },
    ...{ notes: "no findings; next visit in twelve months; keys with the caretaker" },
    sentAt: process.hrtime.bigint().toString(),
  };
}

async function request({ url, token }, headers, body) {
  const answer = await fetch(`${url}/v1/topics/${topic}/events`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, ...headers },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  if (answer.status !== 202) throw new Error(`publishing answered ${answer.status}: ${text}`);
}
