// The payload's schema and its check, compiled as the bus compiles it.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";

/** Folder of the bench's schemas, as `schemas/` beside a topics.yaml. */
export const schemas = join(import.meta.dirname, "topics/schemas");
export const topic = "bench.events";

const validate = new Ajv2020({ allErrors: true }).compile(
  JSON.parse(readFileSync(join(schemas, topic, "v1.json"), "utf8")),
);

/** What is wrong with a payload; undefined when nothing is. */
export function violations(payload) {
  return validate(payload) ? undefined : validate.errors.map(({ message }) => message).join("; ");
}
