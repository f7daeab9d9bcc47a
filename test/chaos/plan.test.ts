import { expect, test } from "vitest";
import { mixedFaults } from "./mixed-faults.js";
import { type Episode, episodes, inWords } from "./plan.js";
import { seededRandom } from "./random.js";
import type { Fault } from "./world.js";

function plan(seed: number, count: number, faults: readonly Fault[] = mixedFaults): Episode[] {
  const endless = episodes(faults, seededRandom(seed));
  return Array.from({ length: count }, () => endless.next().value as Episode);
}

test("the same seed gives the same plan, another seed another one", () => {
  const words = (seed: number) => plan(seed, 50).map(inWords);
  expect(words(1)).toEqual(words(1));
  expect(words(2)).not.toEqual(words(1));
});

test("faults that touch the same never overlap; each lasts as long as it needs", () => {
  for (const episode of plan(3, 500)) {
    const touched = episode.flatMap(({ fault }) => fault.touches!);
    expect(new Set(touched).size).toBe(touched.length);
    for (const { fault, lastsMs } of episode) expect(lastsMs).toBeGreaterThanOrEqual(fault.minimumMs ?? 0);
  }
});

test("every fault of the list comes in time, and often with another one", () => {
  const episodes = plan(4, 500);
  const names = new Set(episodes.flat().map(({ fault }) => fault.name));
  expect(names.size).toBe(mixedFaults.length);
  expect([...names].sort()).toEqual(mixedFaults.map(({ name }) => name).sort());
  expect(episodes.filter(({ length }) => length > 1).length).toBeGreaterThan(200);
});

test("a fault of weight 3 comes about three times as often as another", () => {
  const inject = async () => async () => undefined;
  const episodes = plan(6, 1_000, [
    { name: "one", inject },
    { name: "three", weight: 3, inject },
  ]);
  const heavy = episodes.filter(([first]) => first!.fault.name === "three").length;
  expect(heavy).toBeGreaterThan(700);
  expect(heavy).toBeLessThan(800);
});

test("a fault that does not say what it touches is alone", () => {
  const inject = async () => async () => undefined;
  const faults: Fault[] = [
    { name: "a", touches: ["a"], inject },
    { name: "alone", inject },
  ];
  const episodes = plan(5, 100, faults).map((episode) => episode.map(({ fault }) => fault.name).join(" "));
  expect(new Set(episodes)).toEqual(new Set(["a", "alone"]));
});
