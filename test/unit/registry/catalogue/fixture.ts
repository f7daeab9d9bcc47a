import type { Registry } from "../../../../src/registry/registry.js";
import { entry, registryOf } from "../write-registry.js";

const permit1 = {
  title: "A permit was issued",
  type: "object",
  properties: {
    permitId: { description: "Number of the permit.", type: "integer", minimum: 1 },
    status: { enum: ["Open", "Closed", "class", "2nd look"] },
    issuedAt: { type: "string", format: "date-time" },
    holder: { $ref: "#/$defs/person" },
    fee: { type: ["number", "null"], description: "In dollars. */ not the end" },
    tags: { type: "array", items: { type: "string" } },
    visits: {
      type: "array",
      items: {
        type: "object",
        properties: { at: { type: "string", format: "date-time" } },
        required: ["at"],
      },
    },
    location: {
      type: "array",
      prefixItems: [{ type: "number" }, { type: "number" }],
      items: false,
      minItems: 2,
    },
    notes: { type: "object", additionalProperties: { type: "string" } },
    reference: { type: ["string", "integer"] },
    priority: { enum: [1, 2, null] },
    "legacy-code": { type: "string", deprecated: true },
    anything: {},
  },
  required: ["permitId", "status", "holder"],
  $defs: {
    person: {
      type: "object",
      properties: { name: { type: "string", maxLength: 80 }, boss: { $ref: "#/$defs/person" } },
      required: ["name"],
    },
  },
};

const permit2 = {
  ...permit1,
  properties: { ...permit1.properties, channel: { type: "string", default: "web" } },
};

const either = {
  type: "object",
  properties: { id: { type: "string" } },
  required: ["id"],
  oneOf: [
    { properties: { kind: { const: "moved" }, to: { type: "string" } }, required: ["kind", "to"] },
    { properties: { kind: { const: "cancelled" }, why: { type: "integer" } }, required: ["kind"] },
  ],
};

/** A payload of permits.issued, version 1 and 2, with a value in every field. */
export const permit = {
  permitId: 7,
  status: "2nd look",
  issuedAt: "2024-04-23T15:02:11Z",
  holder: { name: "Ada", boss: { name: "Bo" } },
  fee: 12.5,
  tags: ["a", "b"],
  visits: [{ at: "2024-04-24T08:00:00Z" }],
  location: [41.8, -87.6],
  notes: { gate: "left" },
  reference: 9,
  priority: 2,
  "legacy-code": "X1",
  anything: [1, "x"],
} as const;

/** Two topics with about everything a schema can say, one of them in two versions. */
export async function catalogue(): Promise<Registry> {
  return await registryOf({
    "topics.yaml":
      entry("permits.issued", { schema: "v2", consumers: "[{name: city-health, version: v1}, ehr-clinic]" }) +
      entry("permits.changed", { consumers: "[ehr-clinic]" }) +
      entry("open", { consumers: "[]" }),
    "schemas/permits.issued/v1.json": permit1,
    "schemas/permits.issued/v2.json": permit2,
    "schemas/permits.changed/v1.json": either,
    "schemas/open/v1.json": { type: "object" },
  });
}
