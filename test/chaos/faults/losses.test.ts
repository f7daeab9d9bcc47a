import { afterEach, expect, test } from "vitest";
import { eventually } from "../../support/eventually.js";
import { check } from "../checker.js";
import { healed } from "../healed.js";
import { seededRandom } from "../random.js";
import { type Fault, startWorld, type World } from "../world.js";
import { losses } from "./losses.js";

// Redis forgets what it acknowledged. The bus cannot bring that back: it must notice, say so, and take it again.
let world: World | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
}, 60_000);

test.each(losses)(
  "$name: the bus says which events are to be sent again, and with them nothing is missing and nothing has taken effect twice",
  async (fault: Fault) => {
    const random = seededRandom(7);
    const begin = Date.now();
    world = await startWorld({ random, pace: 60 });
    const { sidecars, log, producer } = world;
    const before = await sidecars[0]!.call("GET", "/v1/status");
    expect(before.body.ledger_went_back).toEqual([]);
    await eventually(() => log.accepted().length >= 120, { timeoutMs: 60_000 });

    const heal = await fault.inject(world, random);
    await heal();
    for (const sidecar of sidecars) {
      await eventually(async () => (await sidecar.call("GET", "/v1/status")).body.state === "red", {
        timeoutMs: 20_000,
        everyMs: 100,
      });
      const { body } = await sidecar.call("GET", "/v1/status");
      expect(body.problems.join("\n")).toMatch(
        /ledger_went_back: the ledger of inspections\.\w+ .* --since=/,
      );
      expect(body.ledger_went_back[0]).toMatchObject({ topic: expect.stringMatching(/^inspections/) });
      expect(body.intake.counters["ledger.went_back"]).toBeGreaterThan(0);
      // Each notices by itself: at the next connection, record or look.
      await eventually(() => /"level":"error".*ledger_went_back/.test(sidecar.process.output()), {
        timeoutMs: 20_000,
      });
    }

    producer.pause();
    await producer.settled();
    await producer.refill(begin);
    const drained = await healed(world);
    await sidecars[0]!.call("POST", "/v1/ledger-losses/acknowledge", {});
    expect((await sidecars[1]!.call("GET", "/v1/status")).body).toMatchObject({ state: "ok", problems: [] });
    const violations = await check(world, [drained]);
    expect(violations.filter(isOurs).slice(0, 10)).toEqual([]);
    const letters = (await sidecars[0]!.call("GET", "/v1/dead-letters?limit=1000")).body.dead_letters;
    expect(letters.filter(({ reason }: { reason: string }) => reason !== LOST)).toEqual([]);
  },
  180_000,
);

/** Of an event that was handed out just as Redis lost it: it is told, and its refill is an event of its own. */
const LOST = "the ledger no longer holds this event";

/** Redis lost acks, leases, counts, rejects and order with the rest: what was acked may come again, and what was lost comes after what was not. */
function isOurs({ invariant, what }: { invariant: string; what: string }): boolean {
  return (
    invariant !== "I5" &&
    !/after its ack was answered ok|neither in the ledger nor a reject$|after its lease had been extended$|events were recorded$|\/ is a dead letter twice$/.test(
      what,
    )
  );
}
