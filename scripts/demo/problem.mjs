/** What a person can do something about. The message is all that is printed: no stack. */
export class Problem extends Error {}

/** Ctrl-C while something was still starting. */
export class Interrupted extends Error {}
