import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Delivery, Lease } from "../src/delivery.js";
import { type Due, LeaseBook } from "../src/lease-book.js";
import { nobody } from "./support/holder.js";

const ACK_WAIT = 30_000;
let extensions: string[];
let lapsed: string[];
let answer: (delivery: Delivery) => void;
let book: LeaseBook;

beforeEach(() => {
  vi.useFakeTimers();
  extensions = [];
  lapsed = [];
  answer = (delivery) => {
    delivery.extendedAt = performance.now();
  };
  book = new LeaseBook(note);
});
afterEach(() => {
  book.stop();
  vi.useRealTimers();
});

function note(due: Due): void {
  const at = Math.round(performance.now() / 1_000);
  for (const delivery of due.extend) {
    extensions.push(`${delivery.lease.name}.${delivery.index}@${at}`);
    answer(delivery);
  }
  for (const delivery of due.lapsed) lapsed.push(`${delivery.lease.name}.${delivery.index}@${at}`);
}

function leased(count = 1): Delivery[] {
  const lease = new Lease("r1.1", ACK_WAIT, nobody);
  const deliveries = Array.from({ length: count }, (_, i) => new Delivery(lease, i, performance.now()));
  book.add(lease);
  return deliveries;
}

async function seconds(count: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(count * 1_000);
}

test("what waits in the buffer is extended after every third of ack_wait, for as long as it waits", async () => {
  const start = Math.round(performance.now() / 1_000);
  leased();
  await seconds(61);
  expect(extensions).toEqual([10, 20, 30, 40, 50, 60].map((at) => `r1.1.0@${start + at}`));
});

test("what is handed out at once and silent is not extended, and is given up when its time is over", async () => {
  const [delivery] = leased();
  delivery!.handedOutAt = performance.now();
  await seconds(29);
  expect([extensions, book.open]).toEqual([[], 1]);
  await seconds(6);
  expect([extensions, lapsed, book.open]).toEqual([[], [], 0]);
});

test("what is handed out late is extended once, so that its handler has the whole ack_wait, and then no more", async () => {
  const start = Math.round(performance.now() / 1_000);
  const [delivery] = leased();
  await seconds(9);
  delivery!.handedOutAt = performance.now();
  await seconds(29);
  expect([extensions, book.open]).toEqual([[`r1.1.0@${start + 10}`], 1]); // out since 9, held until 40
  await seconds(60);
  expect([extensions, book.open]).toEqual([[`r1.1.0@${start + 10}`], 0]);
});

test("saying working again starts the time anew", async () => {
  const [delivery] = leased();
  delivery!.handedOutAt = performance.now();
  for (let i = 0; i < 10; i++) {
    await seconds(15);
    delivery!.handedOutAt = performance.now();
  }
  expect(book.open).toBe(1);
  await seconds(29);
  expect(book.open).toBe(1);
  await seconds(30);
  expect(book.open).toBe(0);
});

test("an extension under way is not asked for again; one that failed is", async () => {
  answer = (delivery) => {
    delivery.extending = true;
  };
  const [delivery] = leased();
  await seconds(16);
  expect(extensions).toHaveLength(1);
  delivery!.extending = false;
  await seconds(5);
  expect(extensions).toHaveLength(2);
});

test("what could not be extended in time counts as lapsed, once", async () => {
  answer = () => undefined;
  leased(2);
  await seconds(60);
  expect(lapsed.map((text) => text.split("@")[0])).toEqual(["r1.1.0", "r1.1.1"]);
  expect(book.open).toBe(0);
});

test("a lease leaves the book as soon as its last event is settled, or when it never had one", async () => {
  const deliveries = leased(2);
  leased(0);
  const kept = () => (book as unknown as { leases: Set<Lease> }).leases.size; // what is kept is memory
  expect(kept()).toBe(1);
  for (const delivery of deliveries) delivery.close();
  expect(kept()).toBe(0);
});

test("the clock stands still while nothing is leased", async () => {
  const [delivery] = leased();
  delivery!.close();
  await seconds(6);
  expect(vi.getTimerCount()).toBe(0);
});
