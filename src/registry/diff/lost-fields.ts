import type { JsonSchema } from "../../envelope/schema-merge.js";
import type { Topic } from "../types.js";
import { Conjunction } from "./conjunction.js";
import { versionGiven } from "./consumer-versions.js";
import { castsLead, gapsBetween } from "./coverage.js";
import type { BusFacts, Notice } from "./report.js";
import { versionsOf } from "./schema-diffs.js";

/**
 * Fields that a consumer's version describes and events of a new current version do not have: where they may be left out
 * such events fit its version all the same, and it would miss them without a word.
 */
export function lostFields(older: Topic, newer: Topic, bus: BusFacts | undefined): Notice[] {
  if (older.version === newer.version) return [];
  const versions = versionsOf(older, newer);
  const current = fieldsOf(versions.schemas.get(newer.version)!);
  return newer.consumers.flatMap(({ name, ...consumer }) => {
    const given = versionGiven({ name, ...consumer }, newer, older, bus);
    const schema = versions.schemas.get(given);
    if (given === newer.version || schema === undefined) return [];
    const cast = castsLead(versions, newer.version, given);
    // What breaks it is told as that.
    if (cast || gapsBetween(versions, newer.version, given).length > 0) return [];
    const lost = [...fieldsOf(schema)].filter((field) => !current.has(field));
    if (lost.length === 0) return [];
    return [
      {
        level: "warning" as const,
        code: "fields_lost",
        topic: newer.name,
        systems: [name],
        text: `${name} (v${given}) gets no ${lost.map((field) => `/${field}`).join(", ")} of events of v${newer.version}: v${newer.version} has no such field, and no cast makes it`,
        remedy: `write steps for down in schemas/${newer.name}/v${newer.version}.casts.yaml ([] when it can do without)`,
      },
    ];
  });
}

function fieldsOf(schema: object): Set<string> {
  return new Conjunction([schema as JsonSchema], schema as JsonSchema).names();
}
