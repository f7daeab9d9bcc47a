/** Where a verb writes to. Standard output is for results alone, so that it can be piped; all else is a note. */
export interface Output {
  /** Resolves when standard output has taken it; rejects when its reader is gone (see `readerGone`). */
  write(text: string | Uint8Array): Promise<void>;
  /** Lines for a person, on standard error. */
  note(text: string): void;
  /** Whether standard output is a terminal that shows colours and NO_COLOR is not set. */
  readonly colours: boolean;
}

interface OutputStreams {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

/** The standard streams of the process. A stream whose reader goes away never ends the process by itself. */
export function processOutput({ stdout, stderr }: OutputStreams = process): Output {
  stdout.on("error", () => undefined); // the callback of the write that failed tells it
  stderr.on("error", () => undefined); // nobody reads the notes; the work goes on
  return {
    write: (text) =>
      new Promise((resolve, reject) => {
        stdout.write(text, (error) => (error ? reject(error) : resolve()));
      }),
    note: (text) => void stderr.write(`${text}\n`),
    colours: stdout.isTTY === true && stdout.hasColors(),
  };
}

/** True for the error of a write whose reader has gone (`hms-sync subscribe … | head -1`): a quiet end, no failure. */
export function readerGone(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code;
  return code === "EPIPE" || code === "ERR_STREAM_DESTROYED";
}

/** The text in bold green or red, where colours are shown. */
export function paint(output: Output, colour: "green" | "red", text: string): string {
  return output.colours ? `\u001b[1;${colour === "green" ? 32 : 31}m${text}\u001b[0m` : text;
}
