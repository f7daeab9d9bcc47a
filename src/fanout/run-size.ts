/** Most bytes of envelopes in one run and in one answer to a pull, unless a single event is larger. */
export const maxRunBytes = 8 * 1024 * 1024;

/** The first of the entries, as many as make one run: at least one. */
export function oneRunOf<Entry extends { readonly body: Buffer }>(
  entries: readonly Entry[],
): readonly Entry[] {
  let bytes = 0;
  const beyond = entries.findIndex(({ body }, index) => {
    bytes += body.length;
    return bytes > maxRunBytes && index > 0;
  });
  return beyond === -1 ? entries : entries.slice(0, beyond);
}
