const CODE = /^[\w.:-]{1,100}$/;

/** What an error calls itself, by code, else by name; never its message, which may quote the event. */
export function codeOf(error: unknown): string {
  if (typeof error !== "object" || error === null) return `a thrown ${typeof error}`;
  const { code, name } = error as { code?: unknown; name?: unknown };
  for (const word of [code, name]) {
    if ((typeof word === "string" || typeof word === "number") && CODE.test(String(word)))
      return String(word);
  }
  return "Error";
}

/** The first line of code in an error's stack, without the message that stands before it. */
export function placeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const stack = error.stack ?? "";
  const head = `${error.name}: ${error.message}`;
  const frames = stack.startsWith(head) ? stack.slice(head.length) : "";
  return /^\s+at (.+)$/m.exec(frames)?.[1];
}
