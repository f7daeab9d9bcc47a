import { createInterface } from "node:readline";

interface TerminalStreams {
  readonly stdin: NodeJS.ReadStream;
  readonly stderr: NodeJS.WriteStream;
}

/**
 * Asks on the terminal and resolves to the line that was typed, to '' when it was left with Ctrl-C or Ctrl-D, and to
 * undefined when nobody is there: standard input or standard error is no terminal.
 */
export async function askOnTerminal(
  question: string,
  { stdin, stderr }: TerminalStreams = process,
): Promise<string | undefined> {
  if (stdin.isTTY !== true || stderr.isTTY !== true) return undefined;
  const terminal = createInterface({ input: stdin, output: stderr });
  try {
    return await new Promise((resolve) => {
      terminal.once("close", () => resolve(""));
      terminal.question(question, resolve);
    });
  } finally {
    terminal.close();
  }
}
