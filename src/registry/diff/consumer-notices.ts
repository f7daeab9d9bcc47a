import { isDeepStrictEqual } from "node:util";
import type { Consumer, Topic } from "../types.js";
import { versionGiven } from "./consumer-versions.js";
import type { BusFacts, Notice } from "./report.js";

/** Consumers that come, go or are given something else. */
export function consumerNotices(older: Topic, newer: Topic, bus: BusFacts | undefined): Notice[] {
  const before = new Map(older.consumers.map((consumer) => [consumer.name, consumer]));
  const after = new Set(newer.consumers.map(({ name }) => name));
  return [
    ...newer.consumers.flatMap((consumer) => {
      const old = before.get(consumer.name);
      return old === undefined
        ? [consumerAdded(newer, consumer, bus)]
        : consumerChanged(older, newer, old, consumer, bus);
    }),
    ...older.consumers
      .filter(({ name }) => !after.has(name))
      .map(({ name }) => consumerRemoved(older, name, bus)),
  ];
}

export function consumerAdded(topic: Topic, consumer: Consumer, bus: BusFacts | undefined): Notice {
  const { name, filter } = consumer;
  const version = consumer.version ?? topic.version;
  const matching = filter === undefined ? "" : ", as far as its filter lets them through";
  return {
    level: "change",
    code: "consumer_added",
    topic: topic.name,
    systems: [name],
    text: `${name} is a new consumer, given v${version}: ${sentAtStart(topic, consumer, bus)}${matching}`,
  };
}

function sentAtStart(topic: Topic, { name, start }: Consumer, bus: BusFacts | undefined): string {
  const facts = bus?.topics.get(topic.name);
  const known = facts?.consumers.get(name);
  if (known !== undefined) return `it has joined before and is owed ${events(known.owed)}`;
  if (start === "now") return "it starts with the next event";
  if (bus === undefined) return "at its start it is sent everything in the window, oldest first";
  return `at its start it is sent the ${events(facts?.kept ?? 0)} in the window, oldest first`;
}

export function consumerRemoved(topic: Topic, name: string, bus: BusFacts | undefined): Notice {
  const facts = bus?.topics.get(topic.name)?.consumers.get(name);
  const owed =
    facts === undefined
      ? "what it is owed is kept"
      : facts.owed === 0
        ? "it is owed nothing"
        : `it is still owed ${events(facts.owed)}, which are kept`;
  return {
    level: facts?.owed === 0 ? "change" : "warning",
    code: "consumer_removed",
    topic: topic.name,
    systems: [name],
    text: `${name} is no longer a consumer: ${owed}`,
    remedy: `when it is not to come back, archive that with hms-sync retire ${name}`,
  };
}

function events(count: number): string {
  return count === 1 ? "1 event" : `${count} events`;
}

function consumerChanged(
  older: Topic,
  newer: Topic,
  before: Consumer,
  after: Consumer,
  bus: BusFacts | undefined,
): Notice[] {
  const notice = (level: Notice["level"], code: string, text: string): Notice => ({
    level,
    code,
    topic: newer.name,
    systems: [after.name],
    text: `${after.name} ${text}`,
  });
  const [from, to] = [versionGiven(before, older, older, bus), versionGiven(after, newer, older, bus)];
  const notices: Notice[] = [];
  if (from !== to) {
    notices.push(
      notice("warning", "consumer_version", `is given v${to} instead of v${from}, for what it is owed too`),
    );
  } else if (before.version !== after.version) {
    const what = after.version === undefined ? "is no longer pinned; it stays with" : "is pinned to";
    notices.push(notice("change", "consumer_pinned", `${what} v${to}, which it is given already`));
  }
  if (!isDeepStrictEqual(before.filter, after.filter)) {
    const what =
      after.filter === undefined
        ? "has no filter any more"
        : `has the filter ${JSON.stringify(after.filter)}`;
    const text = `${what}: for events from now on; what the filter before it skipped does not come back`;
    notices.push(notice(before.filter === undefined ? "warning" : "change", "consumer_filter", text));
  }
  if (before.order !== after.order) {
    const text =
      after.order === "key"
        ? "is given events of one key in order from now on"
        : "is no longer given events of one key in order";
    notices.push(notice(after.order === "key" ? "change" : "warning", "consumer_order", text));
  }
  const options = optionChanges(before, after);
  if (options.length > 0) notices.push(notice("change", "consumer_options", `has ${options.join(", ")}`));
  return notices;
}

const options = {
  start: "start",
  ackWaitMs: "ack_wait (ms)",
  maxDeliver: "max_deliver",
  backoffMs: "backoff (ms)",
  run: "run",
  maxInFlight: "max_in_flight",
} as const;

function optionChanges(before: Consumer, after: Consumer): string[] {
  return (Object.keys(options) as (keyof typeof options)[])
    .filter((name) => !isDeepStrictEqual(before[name], after[name]))
    .map((name) => `${options[name]} ${said(after[name])} instead of ${said(before[name])}`);
}

function said(value: unknown): string {
  return value === undefined ? "none" : String(value);
}
