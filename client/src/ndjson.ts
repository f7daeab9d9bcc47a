import { HmsSyncClientError } from "./errors.js";

const NEWLINE = 0x0a;

/** Cuts a stream of bytes into lines. A line is kept in pieces until its end has come, up to a limit. */
export class LineSplitter {
  private pieces: Buffer[] = [];
  private size = 0;

  constructor(private readonly maxLineBytes: number) {}

  /** The lines that this chunk completes, without their newlines; empty ones are left out. */
  push(chunk: Buffer): Buffer[] {
    const lines: Buffer[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      this.keep(chunk.subarray(start, end));
      start = end + 1;
      if (this.size > 0) lines.push(this.line());
    }
    this.keep(chunk.subarray(start));
    return lines;
  }

  private keep(piece: Buffer): void {
    this.size += piece.length;
    if (this.size > this.maxLineBytes) {
      const detail = `a line of the ledger is longer than ${this.maxLineBytes} bytes; raise maxResponseBytes of connect()`;
      throw new HmsSyncClientError("response_too_large", detail, { retryable: true });
    }
    if (piece.length > 0) this.pieces.push(piece);
  }

  private line(): Buffer {
    const line = this.pieces.length === 1 ? this.pieces[0]! : Buffer.concat(this.pieces, this.size);
    this.pieces = [];
    this.size = 0;
    return line;
  }
}
