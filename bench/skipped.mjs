/** Thrown by a part for what cannot be measured on this machine; the message says what and why. */
export class Skipped extends Error {}
