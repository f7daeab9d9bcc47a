import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect } from "vitest";
import type { Bytes } from "./bytes.js";

const folder = resolve(import.meta.dirname, "../fixtures/bad-input");
/** The cases of one file of the corpus, each with its name before it. */
export function casesOf<T>(name: string): [string, T & { readonly name: string }][] {
  const cases = JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8")) as (T & { name: string })[];
  expect(new Set(cases.map((each) => each.name)).size).toBe(cases.length);
  return cases.map((each) => [each.name, each]);
}

export interface Expected {
  readonly status: number;
  readonly code: string;
}
export interface HttpCase extends Expected {
  readonly raw?: Bytes;
  readonly method?: string;
  readonly path?: Bytes;
  readonly headers?: Readonly<Record<string, Bytes | null>>;
  readonly body?: Bytes;
}
export interface ProtocolCase extends Partial<Expected> {
  readonly as?: string;
  readonly consumer?: string;
  readonly method?: string;
  readonly path?: string;
  readonly body?: object;
  readonly text?: Bytes;
  /** Of an answer 200: what became of each settle. */
  readonly results?: readonly string[];
}

export interface StreamCase {
  readonly fields: Readonly<Record<string, Bytes | null>>;
  readonly codes: readonly string[];
}

export interface PubSubCase {
  readonly channel?: Bytes;
  readonly message: Bytes;
  readonly code: string;
}
