import { InvalidArgumentError } from "commander";

/** Reads `--limit`, in the range that the gateway takes. */
export function limit(value: string): number {
  const number = /^\d{1,5}$/.test(value) ? Number(value) : 0;
  if (number >= 1 && number <= 10_000) return number;
  throw new InvalidArgumentError("write a number from 1 to 10000");
}
