import { join } from "node:path";
import { connect } from "@hms-sync/client";
import { codeOf, whyNever } from "./failure.js";
import { log } from "./log.js";
import { type InspectionStatus, openRegister } from "./register.js";

const database = process.env.EHR_CLINIC_DB || join(import.meta.dirname, "../data/register.sqlite");

/** Enters each change of an inspection into the register, until SIGTERM. */
async function run(): Promise<void> {
  const register = openRegister(database);
  const bus = await connect({ logger: log });
  for await (const msg of bus.subscribe<InspectionStatus>("inspections.status")) {
    const about = { topic: msg.topic, id: msg.id, attempt: msg.attempt };
    try {
      const outcome = register.enter(msg.payload, msg.envelope);
      msg.ack();
      log.info(outcome, about);
    } catch (error) {
      const reason = whyNever(error);
      if (reason !== undefined) msg.term(reason);
      else msg.nack({ reason: codeOf(error) });
      log.warn(reason === undefined ? "comes again" : "can never be taken", {
        ...about,
        code: codeOf(error),
      });
    }
  }
  await bus.close();
  register.close();
}

run().catch((error: Error) => {
  log.error("ehr-clinic stops", { code: codeOf(error), detail: error.message });
  process.exitCode = 1;
});
