import type { DeliveryScripts } from "../../../../src/fanout/delivery-records.js";
import { LeavingConsumers } from "../../../../src/fanout/leaving.js";
import { Retirement } from "../../../../src/fanout/retirement.js";
import { silent } from "../../../support/belt.js";
import type { Sidecar } from "./sidecar.js";

/** Retires a consumer that the registry has no longer; one of which nothing is left is retired already. */
export async function retireOn(
  { bus, life }: Sidecar,
  scripts: DeliveryScripts,
  consumer: string,
): Promise<void> {
  const queueConnection = bus.redis.duplicate();
  life.bind(queueConnection);
  const { redis, ledger } = bus;
  const retirement = new Retirement({
    ...{ redis, queueConnection, scripts, ledger, log: silent },
    leaving: new LeavingConsumers(redis, scripts, ledger),
    subscriptions: () => [],
    confirmRegistry: async () => {},
  });
  try {
    await life.unlessDead(retirement.retire(consumer)).catch((error: { code?: string }) => {
      if (error.code !== "unknown_consumer") throw error;
    });
  } finally {
    queueConnection.disconnect();
  }
}
