import type { Position } from "./problems.js";

/** Where the lines of a text begin, to turn offsets into places. */
export class TextLines {
  private readonly starts: number[];

  constructor(text: string) {
    this.starts = [0, ...Array.from(text.matchAll(/\r\n|\r|\n/g), (match) => match.index + match[0].length)];
  }

  /** The place of the character at `offset`. */
  at(offset: number): Position {
    let low = 0;
    let high = this.starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.starts[middle]! <= offset) low = middle;
      else high = middle;
    }
    return { line: low + 1, column: offset - this.starts[low]! + 1 };
  }
}
