import { expect, test } from "vitest";
import { readPull } from "../../../src/gateway/deliveries.js";

const settle = [{ token: "r1.1.0", action: "ack" }];

test.each([
  ["without settles it waits as long as it says", { wait_ms: 20_000 }, 20_000],
  ["30 s at most", { wait_ms: 60_000 }, 30_000],
  ["with settles it does not wait", { wait_ms: 20_000, settle }, 0],
  ["but as long as their answers may", { wait_ms: 20_000, settle, settle_wait_ms: 10 }, 10],
  ["and no longer than it says", { wait_ms: 5, settle, settle_wait_ms: 10 }, 5],
  ["without settles nothing waits for answers", { wait_ms: 20_000, settle: [], settle_wait_ms: 10 }, 20_000],
])("a pull: %s", (_name, body, waitMs) => {
  expect(readPull(body).waitMs).toBe(waitMs);
});
