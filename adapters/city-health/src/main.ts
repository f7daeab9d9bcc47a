import { join } from "node:path";
import { type Bus, connect, type Message } from "@hms-sync/client";
import { type InspectionSchedule, type InspectionStatus, openCalendar } from "./calendar.js";
import { codeOf, whyNever } from "./failure.js";
import { log } from "./log.js";

const database = process.env.CITY_HEALTH_DB || join(import.meta.dirname, "../data/calendar.sqlite");

/** Writes each change of an inspection and of its appointment into the calendar, until SIGTERM. */
async function run(): Promise<void> {
  const calendar = openCalendar(database);
  const bus = await connect({ logger: log });
  try {
    await Promise.all([
      serve<InspectionStatus>(bus, "inspections.status", (msg) =>
        calendar.record(msg.payload, msg.envelope.time),
      ),
      serve<InspectionSchedule>(bus, "inspections.schedule", (msg) =>
        calendar.appoint(msg.payload, msg.envelope.time),
      ),
    ]);
  } finally {
    await bus.close();
    calendar.close();
  }
}

/** Hands each event of a topic to `write`: acked when it returns, else it comes again or can never be taken. */
async function serve<Payload>(
  bus: Bus,
  topic: string,
  write: (msg: Message<Payload>) => string,
): Promise<void> {
  for await (const msg of bus.subscribe<Payload>(topic)) {
    const about = { topic: msg.topic, id: msg.id, attempt: msg.attempt };
    try {
      const outcome = write(msg);
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
}

run().catch((error: Error) => {
  log.error("city-health stops", { code: codeOf(error), detail: error.message });
  process.exitCode = 1;
});
