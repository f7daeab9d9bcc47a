/** The fields of a stream entry, which Redis lists as name, value, name, value, by their names. */
export function streamFields<Value extends string | Buffer>(flat: readonly Value[]): Map<string, Value> {
  const fields = new Map<string, Value>();
  for (let i = 0; i + 1 < flat.length; i += 2) fields.set(flat[i]!.toString(), flat[i + 1]!);
  return fields;
}
