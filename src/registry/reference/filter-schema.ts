const scalar = { type: ["string", "number", "boolean", "null"] };
const ordered = { type: ["number", "string"] };

/** The operators of a field with their operands (JSON Schema) and meanings. */
export const operators = {
  $eq: { ...scalar, description: "Equal to the value; a value alone means the same." },
  $ne: { ...scalar, description: "Not equal to the value, or the field is absent." },
  $in: { type: "array", maxItems: 1000, items: scalar, description: "Equal to one of the values." },
  $gt: { ...ordered, description: "Greater. Numbers compare with numbers, text with text by code units." },
  $gte: { ...ordered, description: "Greater or equal." },
  $lt: { ...ordered, description: "Less." },
  $lte: { ...ordered, description: "Less or equal." },
  $exists: { type: "boolean", description: "Whether the field is there." },
  $startsWith: { type: "string", description: "A text that begins with this one." },
};

const filters = { type: "array", minItems: 1, items: { $ref: "#/$defs/filter" } };

/** What combines filters. */
export const combinations = {
  $and: { ...filters, description: "All of the filters match." },
  $or: { ...filters, description: "At least one of the filters matches." },
  $not: { $ref: "#/$defs/filter", description: "The filter does not match." },
};

/** Definitions to which `{$ref: "#/$defs/filter"}` refers. */
export const filterDefinitions = {
  filter: {
    type: "object",
    minProperties: 1,
    properties: combinations,
    patternProperties: { "^(?!\\$)": { $ref: "#/$defs/condition" } },
    additionalProperties: false,
  },
  condition: {
    anyOf: [scalar, { type: "object", minProperties: 1, properties: operators, additionalProperties: false }],
  },
};
