// An adapter without the client: fetch, and nothing that the client does beside it (no leases kept, no outages survived).
import { topic } from "../schema.mjs";

const framedType = "application/vnd.hms-sync.deliveries";
const run = 500;
const newline = 0x0a;

/** Pulls runs of up to 500 events and acks them with the next pull; `framed`: in the client's own format, else JSON. */
export function consumer({ url, token, name, framed }) {
  const headers = {
    authorization: `Bearer ${token}`,
    "content-type": "application/json",
    accept: framed ? framedType : "application/json",
    "hms-sync-consumer": name,
  };
  const pull = async (body) => {
    const answer = await fetch(`${url}/v1/topics/${topic}/pull`, {
      ...{ method: "POST", headers },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`the pull answered ${answer.status}: ${await answer.text()}`);
    return framed ? readFrame(Buffer.from(await answer.arrayBuffer())) : readJson(await answer.json());
  };
  return {
    async take(count, handle) {
      let acked = 0;
      let settle = [];
      for (let taken = 0; acked < count; ) {
        const max = Math.min(run, count - taken);
        const pulled =
          max > 0 ? await pull({ max, wait_ms: 20_000, settle }) : await ackAll({ url, headers }, settle);
        acked += pulled.settled;
        settle = pulled.acks;
        for (const payload of pulled.payloads) handle(payload);
        taken += pulled.payloads.length;
      }
      return acked;
    },
    rest: async () => undefined,
    close: async () => undefined,
  };
}

async function ackAll({ url, headers }, settle) {
  const answer = await fetch(`${url}/v1/topics/${topic}/settle`, {
    ...{ method: "POST", headers },
    body: JSON.stringify({ settle }),
  });
  return { settled: countSettled((await answer.json()).settled), acks: [], payloads: [] };
}

function readJson({ deliveries, settled }) {
  return {
    settled: countSettled(settled),
    acks: deliveries.map(({ token }) => ({ token, action: "ack" })),
    payloads: deliveries.map(({ envelope }) => envelope.payload),
  };
}

function readFrame(body) {
  const headEnd = body.indexOf(newline);
  const { leases, settled } = JSON.parse(body.toString("utf8", 0, headEnd));
  const acks = [];
  const payloads = [];
  let at = headEnd + 1;
  for (const { lease, indexes, lengths } of leases) {
    for (const [from, to] of indexes) acks.push({ token: `${lease}.${from}`, to, action: "ack" });
    for (const length of lengths) {
      payloads.push(JSON.parse(body.toString("utf8", at, at + length)).payload);
      at += length;
    }
  }
  return { settled: countSettled(settled), acks, payloads };
}

/** Events that the answers to settles speak of; each must be ok. */
function countSettled(settled = []) {
  let events = 0;
  for (const { token, to, result } of settled) {
    if (result !== "ok") throw new Error(`the settle of ${token} answered ${result}`);
    events += to === undefined ? 1 : to - Number(token.slice(token.lastIndexOf(".") + 1)) + 1;
  }
  return events;
}
