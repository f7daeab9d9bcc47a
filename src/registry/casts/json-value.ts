/** Whether a value read from YAML is a mapping. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What keeps a value read from YAML from being written as JSON as it stands, with the remedy; undefined for nothing. */
export function jsonMisfit(value: unknown): string | undefined {
  if (typeof value === "object" && value !== null) {
    return Object.values(value)
      .map(jsonMisfit)
      .find((misfit) => misfit !== undefined);
  }
  if (typeof value !== "number") return undefined;
  if (!Number.isFinite(value)) return `holds ${value}, which JSON has no number for; write digits, or null`;
  const rounded = Number.isInteger(value) && !Number.isSafeInteger(value);
  return rounded
    ? `holds an integer beyond 9007199254740991, which would be rounded; write a smaller one, or text`
    : undefined;
}
