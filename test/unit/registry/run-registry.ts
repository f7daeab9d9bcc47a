import { expect } from "vitest";
import { CastFailure } from "../../../src/envelope/cast.js";
import { normalizeEvent } from "../../../src/envelope/normalize.js";
import { createView } from "../../../src/envelope/view.js";
import { HmsSyncError } from "../../../src/errors.js";
import { loadRegistry } from "../../../src/registry/load.js";
import type { Registry, Topic } from "../../../src/registry/registry.js";
import { plain } from "../envelope/catalogue.js";

const payloads = [
  "{}",
  '{"n":1}',
  '{"n":"2024-04-23 15:02:11","m":null}',
  '{"n":{"n":[{"n":"2024-04-23 15:02:11"}]},"m":12345678901234567890}',
  '{"m":{},"n":[1,"x",{"m":true}],"__proto__":{"n":1},"constructor":1}',
];

/** The registry at `path`, or undefined when it is refused; fails when anything but a refusal is thrown. */
export async function loadOrRefuse(path: string): Promise<Registry | undefined> {
  try {
    return await loadRegistry(path);
  } catch (error) {
    expect(error).toMatchObject({ code: "invalid_registry" });
    for (const line of (error as Error).message.split("\n")) {
      expect(line).toMatch(/^(?:\S+:(?:\d+:\d+:)? .|and \d+ more problems$)/);
    }
    return undefined;
  }
}

/** Does with an accepted registry what the bus does: takes events in every version, and gives them in every other. */
export function run(registry: Registry | undefined): { taken: number; given: number; failed: number } {
  const counts = { taken: 0, given: 0, failed: 0 };
  for (const topic of registry?.topics.values() ?? []) {
    for (const payload of payloads) {
      for (const version of [undefined, ...topic.schemas.keys()]) {
        const envelope = take(registry!, topic, payload, version);
        if (envelope === undefined) continue;
        counts.taken++;
        give(topic, envelope, counts);
      }
    }
  }
  return counts;
}

function take(registry: Registry, topic: Topic, payload: string, version?: number): Buffer | undefined {
  const stated = version === undefined ? {} : { version };
  try {
    const event = { ...plain, ...stated, topic: topic.name, payload, anyTopic: true as const };
    return Buffer.from(normalizeEvent(event, registry).text);
  } catch (error) {
    if (error instanceof HmsSyncError) return undefined;
    throw error;
  }
}

function give(topic: Topic, envelope: Buffer, counts: { given: number; failed: number }): void {
  for (const { version, filter } of topic.consumers) {
    for (const target of version === undefined ? topic.schemas.keys() : [version]) {
      const view = createView(topic, target, filter);
      const presented = view.present(envelope);
      const wanted = view.wants(envelope);
      if (presented instanceof CastFailure) {
        counts.failed++;
        expect(wanted).toBe(true);
      } else {
        counts.given++;
        const { payload, version: given } = JSON.parse(presented.toString());
        expect(given).toBe(target);
        expect(topic.schemas.get(target)!.validate(payload)).toEqual([]);
      }
    }
  }
}
