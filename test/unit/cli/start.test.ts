import { EventEmitter } from "node:events";
import { describe, expect, test } from "vitest";
import { stopSignal } from "../../../src/cli/signals.js";
import { start } from "../../../src/cli/start.js";
import { readConfig } from "../../../src/config.js";
import type { Sidecar } from "../../../src/sidecar.js";

function deferred<T>() {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

describe("stop signals", () => {
  function signals() {
    const source = new EventEmitter();
    const clock = { ms: 1_000 };
    const exits: number[] = [];
    const stop = stopSignal({ source, exit: (code) => exits.push(code), now: () => clock.ms });
    return { source, clock, exits, stop };
  }

  test.each(["SIGTERM", "SIGINT"])("the first %s asks for a clean end", async (signal) => {
    const { source, exits, stop } = signals();
    source.emit(signal);
    await stop;
    expect(exits).toEqual([]);
  });

  test("one Ctrl-C that arrives twice, from the terminal and from npm, is one", async () => {
    const { source, clock, exits, stop } = signals();
    source.emit("SIGINT");
    clock.ms += 500;
    source.emit("SIGINT");
    await stop;
    expect(exits).toEqual([]);
  });

  test("a second one ends the process at once with 1", () => {
    const { source, clock, exits } = signals();
    source.emit("SIGINT");
    clock.ms += 501;
    source.emit("SIGTERM");
    expect(exits).toEqual([1]);
  });
});

describe("start", () => {
  const reload = async () => {};

  function parts(write: (text: string | Uint8Array) => Promise<void>) {
    const signal = deferred<void>();
    const cli = {
      config: () => readConfig({ HMS_SYNC_LOG: "silent" }, "/nowhere"),
      output: { write, note: () => {}, colours: false },
      stopSignal: () => signal.promise,
      onHangup: () => {},
    };
    return { cli, stop: signal.resolve };
  }

  test("prints ready when the bus is up, and closes it at the signal", async () => {
    const events: string[] = [];
    const { cli, stop } = parts(async (text) => void events.push(String(text)));
    const sidecar = { url: "http://127.0.0.1:1", reload, close: async () => void events.push("closed") };
    const ended = start(cli, {}, async () => sidecar);
    await new Promise((resolve) => setImmediate(resolve));
    stop();
    expect(await ended).toBe(0);
    expect(events).toEqual(["ready http://127.0.0.1:1\n", "closed"]);
  });

  test("a signal while it starts closes what came up and never says ready", async () => {
    const events: string[] = [];
    const { cli, stop } = parts(async (text) => void events.push(String(text)));
    const up = deferred<Sidecar>();
    const ended = start(cli, {}, () => up.promise);
    stop();
    await Promise.resolve();
    up.resolve({ url: "http://127.0.0.1:1", reload, close: async () => void events.push("closed") });
    expect(await ended).toBe(0);
    expect(events).toEqual(["closed"]);
  });

  test("a bus whose standard output is closed runs on until it is told to stop", async () => {
    const { cli, stop } = parts(async () => {
      throw Object.assign(new Error("write EPIPE"), { code: "EPIPE" });
    });
    let closed = false;
    const close = async () => {
      closed = true;
    };
    const ended = start(cli, {}, async () => ({ url: "http://127.0.0.1:1", reload, close }));
    await new Promise((resolve) => setImmediate(resolve));
    expect(closed).toBe(false);
    stop();
    expect(await ended).toBe(0);
    expect(closed).toBe(true);
  });
});
