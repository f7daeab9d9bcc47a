import fc from "fast-check";
import type { SettleAction } from "../../../../src/fanout/types.js";
import { maxCommands } from "./sidecar.js";

/** One step of a random history. `by` names the sidecar that is asked, `for` the consumer. */
export type Step =
  | { readonly do: "publish"; readonly by: number; readonly count: number }
  | { readonly do: "publishAgain"; readonly by: number; readonly which: number }
  /** The consumer's pull waits before the events come. */
  | { readonly do: "publishToPull"; readonly by: number; readonly for: number; readonly count: number }
  | { readonly do: "pull"; readonly by: number; readonly for: number; readonly max: number }
  | SettleStep
  /** The `which`-th of the latest dead letters, or all; `both`: by both sidecars at once. */
  | {
      readonly do: "redrive";
      readonly by: number;
      readonly for: number;
      readonly which: number | "all";
      readonly both: boolean;
    }
  /** The consumer is given another schema version from now on. */
  | { readonly do: "version"; readonly for: number; readonly version: number }
  /** The registry has the consumer no longer; what it is owed stays. Again: it is put back. */
  | { readonly do: "takeOut"; readonly for: number }
  | { readonly do: "putBack"; readonly for: number }
  /** Of a consumer that was taken out all is removed. */
  | { readonly do: "retire"; readonly by: number; readonly for: number }
  /** What the ledger keeps for nobody is removed. */
  | { readonly do: "trim"; readonly by: number }
  /** What Redis has now is what it comes back with when it loses its latest writes. */
  | { readonly do: "save" }
  | { readonly do: "lose" }
  | { readonly do: "pass"; readonly by: number; readonly minutes: number }
  /** All that can be pulled now is pulled, and compared with the reference. */
  | { readonly do: "look" }
  /** Stopped, and another one started in its place. */
  | { readonly do: "restart"; readonly who: number }
  /** It dies at one of its next commands, before or after Redis carried it out. */
  | { readonly do: "doom"; readonly who: number; readonly atCommand: number };

export interface SettleStep {
  readonly do: "settle";
  readonly by: number;
  /** Which of the latest leases, in force or not, or of those in hand. */
  readonly late: boolean;
  readonly which: number;
  /** Which of its events, in percent. */
  readonly from: number;
  readonly share: number;
  readonly action: SettleAction;
  readonly delay: number | undefined;
  readonly reason: string;
}

export const minute = 60_000;

const sidecar = fc.nat(1);
const consumer = fc.nat(2);
const actions: readonly SettleAction[] = ["ack", "nack", "extend", "term", "release"];

function settles(among: readonly SettleAction[]): fc.Arbitrary<Step> {
  return step("settle", {
    by: sidecar,
    late: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
    which: fc.nat(11),
    from: fc.oneof(fc.constant(0), fc.nat(99)),
    share: fc.oneof(fc.constant(100), fc.integer({ min: 1, max: 100 })),
    action: fc.constantFrom(...among),
    delay: fc.option(fc.constantFrom(0, 15, 35), { nil: undefined, freq: 2 }),
    reason: fc.constantFrom("", "broken"),
  });
}

/** Weighted steps of every history. Times are multiples of ten minutes. */
const common: fc.MaybeWeightedArbitrary<Step>[] = [
  { weight: 3, arbitrary: step("publish", { by: sidecar, count: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 1, arbitrary: step("publishAgain", { by: sidecar, which: fc.nat(20) }) },
  {
    weight: 1,
    arbitrary: step("publishToPull", { by: sidecar, for: consumer, count: fc.integer({ min: 1, max: 6 }) }),
  },
  {
    weight: 5,
    arbitrary: step("pull", { by: sidecar, for: consumer, max: fc.integer({ min: 1, max: 8 }) }),
  },
  { weight: 4, arbitrary: step("pass", { by: sidecar, minutes: fc.constantFrom(10, 10, 20, 20, 30, 50) }) },
  { weight: 2, arbitrary: fc.constant<Step>({ do: "look" }) },
  { weight: 1, arbitrary: step("restart", { who: sidecar }) },
  {
    weight: 1,
    arbitrary: step("doom", { who: sidecar, atCommand: fc.integer({ min: 1, max: maxCommands }) }),
  },
];

/** What an operator may do to a consumer that is served. */
const redrives = step("redrive", {
  by: sidecar,
  for: consumer,
  which: fc.oneof(fc.nat(5), fc.constant("all" as const)),
  both: fc.boolean(),
});

const versions = step("version", { for: consumer, version: fc.integer({ min: 1, max: 3 }) });

const leaving: fc.MaybeWeightedArbitrary<Step>[] = [
  { weight: 2, arbitrary: step("takeOut", { for: consumer }) },
  { weight: 2, arbitrary: step("putBack", { for: consumer }) },
  { weight: 2, arbitrary: step("retire", { by: sidecar, for: consumer }) },
  { weight: 1, arbitrary: step("trim", { by: sidecar }) },
];

/** Histories whose adapters settle in these ways only. */
export function historiesOf(...among: readonly SettleAction[]): fc.Arbitrary<Step[]> {
  return historiesWith(among, []);
}

/** Histories in which consumers are taken out, retired and put back as well. */
export const historiesWithRetirements: fc.Arbitrary<Step[]> = historiesWith(actions, leaving);

/** Histories in which Redis loses its latest writes, and producers send again what it lost. */
export const historiesWithLosses: fc.Arbitrary<Step[]> = historiesWith(actions, [
  { weight: 2, arbitrary: fc.constant<Step>({ do: "save" }) },
  { weight: 2, arbitrary: fc.constant<Step>({ do: "lose" }) },
]);

function historiesWith(
  among: readonly SettleAction[],
  more: readonly fc.MaybeWeightedArbitrary<Step>[],
): fc.Arbitrary<Step[]> {
  const steps = [
    ...common,
    ...more,
    { weight: 6, arbitrary: settles(among) },
    { weight: 2, arbitrary: redrives },
    { weight: 1, arbitrary: versions },
  ];
  return fc.array(fc.oneof(...steps), { minLength: 12, maxLength: 50 });
}

/** Histories of all kinds; each has some of the ways to settle, so that what follows on few of them is met too. */
export const histories: fc.Arbitrary<Step[]> = fc
  .subarray([...actions], { minLength: 1 })
  .chain((among) => historiesOf(...among));

function step<Name extends Step["do"], Rest>(
  name: Name,
  rest: { [Key in keyof Rest]: fc.Arbitrary<Rest[Key]> },
) {
  return fc.record({ do: fc.constant(name), ...rest }) as unknown as fc.Arbitrary<Step>;
}
