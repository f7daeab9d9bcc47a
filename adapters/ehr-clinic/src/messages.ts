import { controlId, type EventIdentity, fileName } from "./event-name.js";
import { type Charset, encoded, type Field, header, messageText, segment, timestamp } from "./hl7.js";
import type { Line } from "./register.js";

/** A file for the clinic's reader: all of it is made of the event, so that the same event gives the same file. */
export interface Hl7File {
  readonly name: string;
  readonly content: Buffer;
}

type MessageBody = { readonly type: readonly string[]; readonly segments: (line: Line) => string[] };

/** The message of each topic: an observation report, and a moved appointment. */
const bodies: Readonly<Record<string, MessageBody>> = {
  "inspections.status": { type: ["ORU", "R01", "ORU_R01"], segments: observation },
  "inspections.schedule": { type: ["SIU", "S13", "SIU_S12"], segments: appointment },
};

export function hasMessage(topic: string): boolean {
  return Object.hasOwn(bodies, topic);
}

/** @throws Permanent for an event that no file can hold: its time, or a character that the charset has not. */
export function hl7File(line: Line, event: EventIdentity, charset: Charset): Hl7File {
  const name = fileName(event);
  return { name, content: encoded(hl7Text(line, event, charset), charset) };
}

/** The message: MSH, what happened, and in ZEV the event of HMS-Sync it was made of. */
export function hl7Text(line: Line, event: EventIdentity, charset: Charset): string {
  const { type, segments } = bodies[event.topic]!;
  return messageText([
    header(headerFields(event, type, charset)),
    ...segments(line),
    segment("ZEV", [event.id, event.topic, event.source]),
  ]);
}

function headerFields(event: EventIdentity, type: readonly string[], charset: Charset): Field[] {
  const [sender, receiver] = ["HMS-SYNC", "EHR-CLINIC"];
  return [
    ...[sender, event.source, receiver, ""],
    ...[timestamp(event.time, "ms"), "", type, controlId(event), "P", "2.5.1"],
    ...["", "", "", "", "", charset], // MSH-18
  ];
}

/** OBX-5 is the outcome in the register's words, OBX-14 when it happened, OBX-16 the inspector. */
function observation(line: Line): string[] {
  const at = instant(line.occurred_on);
  const code = ["OUTCOME", "Outcome of the inspection", "L"];
  return [
    identification(line),
    segment("OBR", ["1", "", "", ["INSPECTION", "Inspection", "L"], "", "", at]),
    segment("OBX", [
      ...["1", "CE", code, "", text(line.outcome), "", "", "", "", "", "F", "", ""],
      ...[at, "", text(line.inspector)],
    ]),
  ];
}

/** SCH-11, fourth component, is when it takes place. */
function appointment(line: Line): string[] {
  const reason = ["MOVED", "Takes place at another time", "L"];
  return [
    segment("SCH", [
      line.inspection,
      "",
      "",
      "",
      "",
      reason,
      "",
      "",
      "",
      "",
      ["", "", "", instant(line.planned_for)],
    ]),
    identification(line),
  ];
}

/** PID-3: what all of it is about, the inspection. */
function identification({ inspection }: Line): string {
  return segment("PID", ["1", "", [inspection, "", "", "HMS"]]);
}

function instant(seconds: Line[string] | undefined): string {
  return typeof seconds === "number" ? timestamp(seconds * 1_000, "s") : "";
}

function text(value: Line[string] | undefined): string {
  return typeof value === "string" ? value : "";
}
