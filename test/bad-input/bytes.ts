/** A piece of a request as the corpus writes it: text, text repeated, or bytes in hexadecimal. */
export type Piece = string | { readonly repeat: string; readonly times: number } | { readonly hex: string };
export type Bytes = Piece | readonly Piece[];

/** Stands in every payload of the corpus; nowhere in the bus's log. */
export const marker = "bad-input-marker";

/** The bytes, with `{{name}}` replaced by the value of that name. */
export function bytesOf(bytes: Bytes, values: Readonly<Record<string, string>> = {}): Buffer {
  const pieces = Array.isArray(bytes) ? (bytes as readonly Piece[]) : [bytes as Piece];
  return Buffer.concat(pieces.map((piece) => bytesOfPiece(piece, values)));
}

/** `text` with `{{name}}` replaced; a name without a value is a fault of the corpus. */
export function filled(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\{\{([a-z_]+)\}\}/g, (_all, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`the corpus names {{${name}}}, which has no value`);
    return value;
  });
}

function bytesOfPiece(piece: Piece, values: Readonly<Record<string, string>>): Buffer {
  if (typeof piece === "string") return Buffer.from(filled(piece, values));
  if ("hex" in piece) return Buffer.from(piece.hex, "hex");
  return Buffer.from(filled(piece.repeat, values).repeat(piece.times));
}
