import { join } from "node:path";
import { connect } from "@hms-sync/client";
import { type InspectionStatus, openCalendar } from "./calendar.js";
import { codeOf, whyNever } from "./failure.js";
import { log } from "./log.js";

const database = process.env.CITY_HEALTH_DB || join(import.meta.dirname, "../data/calendar.sqlite");

/** Writes each change of an inspection into the calendar, until SIGTERM. */
async function run(): Promise<void> {
  const calendar = openCalendar(database);
  const bus = await connect({ logger: log });
  for await (const msg of bus.subscribe<InspectionStatus>("inspections.status")) {
    const about = { topic: msg.topic, id: msg.id, attempt: msg.attempt };
    try {
      const outcome = calendar.record(msg.payload, msg.envelope.time);
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
  calendar.close();
}

run().catch((error: Error) => {
  log.error("city-health stops", { code: codeOf(error), detail: error.message });
  process.exitCode = 1;
});
