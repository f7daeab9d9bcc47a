import { type Output, paint } from "./output.js";
import { byteSize, counted, duration, fields, printable, table } from "./text.js";

/** The answer of GET /v1/status. */
export interface BusStatus {
  readonly state: string;
  readonly problems: readonly string[];
  readonly registry: { readonly digest: string; readonly since: string };
  readonly redis: { readonly used_bytes: number; readonly max_bytes: number; readonly durability: string };
  readonly sidecars: number;
  readonly intake: IntakeStatus;
  readonly rejects: number;
  readonly topics: Readonly<Record<string, TopicStatus>>;
  readonly leaving: readonly LeavingStatus[];
}

/** A consumer that topics.yaml has no longer. */
interface LeavingStatus {
  readonly topic: string;
  readonly consumer: string;
  readonly owed: number;
  readonly dead: number;
}

interface IntakeStatus {
  readonly leader: boolean;
  readonly epoch: number;
  readonly backlog: number;
  readonly doors: Readonly<Record<string, string>>;
  /** `<door>.read`, `<door>.rejected`, `<door>.ignored`, `<door>.empty`. */
  readonly counters: Readonly<Record<string, number>>;
}

interface TopicStatus {
  readonly qos: string;
  readonly version: number;
  readonly retention_ms: number;
  readonly recorded: number;
  readonly kept: number;
  readonly consumers: Readonly<Record<string, DeliveryStatus>>;
}

interface DeliveryStatus {
  readonly owed: number;
  readonly open: number;
  readonly acked: number;
  readonly skipped: number;
  readonly dead: number;
  readonly waiting_pulls: number;
  /** Schema version that the consumer is given. */
  readonly version: number;
  /** Of a newcomer: how many it has had of those that the ledger kept when it joined. */
  readonly catching_up?: { readonly done: number; readonly of: number };
  /** Of the open events, those that wait for an earlier one of their key. */
  readonly parked?: number;
  /** Taken out of the ledger by somebody before the consumer was given them. */
  readonly removed?: number;
  readonly replay?: { readonly running: boolean; readonly done: number; readonly of: number };
}

const durabilities: Readonly<Record<string, string>> = {
  always: "always: Redis has each write on disk before it answers",
  everysec: "everysec: a crash of Redis may lose about 2 s of events",
  none: "none: a restart of Redis may lose events",
};

/** The status for a person: the whole, the ways in, the topics, and what each consumer is owed. */
export function statusInWords(status: BusStatus, output: Output): string {
  const head = [stateLine(status, output), ...problemLines(status, output), general(status)].join("\n");
  const parts = [
    head,
    topicTable(status.topics),
    deliveryTable(status.topics),
    progress(status.topics),
    leavingTable(status.leaving),
  ];
  return parts.filter(Boolean).join("\n\n");
}

function stateLine({ state }: BusStatus, output: Output): string {
  return `${"state".padEnd(labelWidth)}  ${paint(output, state === "ok" ? "green" : "red", printable(state))}`;
}

function problemLines({ problems }: BusStatus, output: Output): string[] {
  const label = "problem".padEnd(labelWidth);
  return problems.map((problem) => `${label}  ${paint(output, "red", printable(problem))}`);
}

const labelWidth = "durability".length;

function general(status: BusStatus): string {
  const { registry, redis, sidecars, intake, rejects } = status;
  const limit = redis.max_bytes === 0 ? "no limit" : `of ${byteSize(redis.max_bytes)}`;
  const doors = Object.entries(intake.doors).map(([name, promise]) => [
    name,
    doorInWords(name, promise, intake),
  ]);
  return fields([
    ["registry", `in force since ${registry.since} (${registry.digest.slice(0, 12)})`],
    ["durability", durabilities[redis.durability] ?? redis.durability],
    ["memory", `${byteSize(redis.used_bytes)} in use, ${limit}`],
    ["sidecars", `${sidecars} running`],
    ["intake", intakeInWords(intake)],
    ...(doors as [string, string][]).map(([name, text]) => [`  ${name}`, text] as const),
    ["rejects", rejects === 0 ? "none" : `${rejects} (see: hms-sync rejects)`],
  ]);
}

function intakeInWords({ leader, epoch, backlog }: IntakeStatus): string {
  const reader = leader ? `read by this sidecar (term ${epoch})` : "read by another sidecar";
  return `${reader}, ${backlog === 0 ? "nothing waits" : `${backlog} waiting`}`;
}

/** What the door promises, then what it counted, as far as that is not zero. */
function doorInWords(door: string, promise: string, { counters }: IntakeStatus): string {
  const words: [string, string][] = [
    ["read", "read"],
    ["rejected", "rejected"],
    ["ignored", "on channels that are no topic"],
    ["empty", "empty (not encodable by Laravel, lost)"],
  ];
  const counts = words.flatMap(([name, text]) => {
    const count = counters[`${door}.${name}`] ?? 0;
    return count === 0 ? [] : [`${count} ${text}`];
  });
  return counts.length === 0 ? promise : `${promise}; so far ${counts.join(", ")}`;
}

function topicTable(topics: BusStatus["topics"]): string {
  const header = ["TOPIC", "QOS", "VERSION", "RETENTION", "RECORDED", "KEPT"];
  const rows = Object.entries(topics).map(([name, { qos, version, retention_ms, recorded, kept }]) => [
    name,
    qos,
    `v${version}`,
    duration(retention_ms),
    recorded,
    kept,
  ]);
  return table(header, rows);
}

function deliveryTable(topics: BusStatus["topics"]): string {
  const rows = Object.entries(topics).flatMap(([topic, { consumers }]) =>
    Object.entries(consumers).map(([consumer, delivery]) => [
      topic,
      consumer,
      `v${delivery.version}`,
      delivery.owed,
      delivery.open,
      delivery.acked,
      delivery.skipped,
      delivery.dead,
      delivery.waiting_pulls,
    ]),
  );
  const header = ["TOPIC", "CONSUMER", "GETS", "OWED", "OPEN", "ACKED", "SKIPPED", "DEAD", "WAITING"];
  return table(header, rows);
}

/** What the table does not tell: newcomers and replays under way, and what waits for its turn in its key. */
function progress(topics: BusStatus["topics"]): string {
  const lines = Object.entries(topics).flatMap(([topic, { consumers }]) =>
    Object.entries(consumers).flatMap(([consumer, { catching_up, replay, parked = 0, removed = 0 }]) => {
      const [who, what] = [printable(consumer), printable(topic)];
      return [
        ...(catching_up === undefined ? [] : [`${who} is catching up on ${what}: ${share(catching_up)}`]),
        ...(replay === undefined
          ? []
          : [
              `${who} is given ${what} once more: ${share(replay)}${replay.running ? "" : ", all handed on; the rest is open"}`,
            ]),
        ...(parked === 0
          ? []
          : [`${who} has ${counted(parked, "event")} of ${what} waiting for an earlier one of the same key`]),
        ...(removed === 0
          ? []
          : [
              `${who} was never given ${counted(removed, "event")} of ${what} that left the ledger too early`,
            ]),
      ];
    }),
  );
  return lines.join("\n");
}

function share({ done, of }: { done: number; of: number }): string {
  return `${done} of ${of} (${of === 0 ? 100 : Math.floor((done / of) * 100)} %)`;
}

/** What is kept for consumers that topics.yaml has no longer. */
function leavingTable(leaving: BusStatus["leaving"]): string {
  if (leaving.length === 0) return "";
  const rows = leaving.map(({ topic, consumer, owed, dead }) => [topic, consumer, owed, dead]);
  const names = [...new Set(leaving.map(({ consumer }) => consumer))];
  return [
    "No longer in topics.yaml, and still holding what they are owed:",
    table(["TOPIC", "CONSUMER", "OWED", "DEAD"], rows),
    ...names.map((name) => `put ${printable(name)} back, or: hms-sync retire ${printable(name)}`),
  ].join("\n");
}
