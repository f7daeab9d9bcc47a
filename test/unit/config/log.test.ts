import { describe, expect, test } from "vitest";
import { HmsSyncError } from "../../../src/errors.js";
import { createLogger, type LogLevel } from "../../../src/log.js";

function recorder(level: LogLevel = "debug") {
  const lines: string[] = [];
  const now = () => new Date("2024-04-23T15:02:11.5Z");
  return { lines, log: createLogger({ level, now, write: (line) => lines.push(line) }) };
}

describe("the log", () => {
  test("a line is one JSON object: time, level, msg, then the fields", () => {
    const { lines, log } = recorder();
    log.info("ledger wrote\na batch", { topic: "inspections.status", count: 3n });
    expect(lines).toEqual([
      '{"time":"2024-04-23T15:02:11.500Z","level":"info","msg":"ledger wrote\\na batch",' +
        '"topic":"inspections.status","count":"3"}\n',
    ]);
  });

  test("levels below the threshold are not printed; silent prints nothing", () => {
    const warn = recorder("warn");
    for (const level of ["debug", "info", "warn", "error"] as const) warn.log[level](level);
    expect(warn.lines.map((line) => JSON.parse(line).msg)).toEqual(["warn", "error"]);
    const silent = recorder("silent");
    silent.log.error("lost");
    expect(silent.lines).toEqual([]);
  });

  test("a child adds its fields to each line and the line's own field wins", () => {
    const { lines, log } = recorder();
    log.child({ part: "intake", n: 1 }).child({ shard: 0 }).warn("behind", { n: 2 });
    expect(JSON.parse(lines[0]!)).toMatchObject({ part: "intake", shard: 0, n: 2 });
  });

  test("payloads and credentials are never printed, whatever holds them", () => {
    const { lines, log } = recorder();
    const secret = "SSN 078-05-1120";
    log.child({ token: secret }).info("request", {
      payload: { name: secret },
      data: secret,
      headers: { Authorization: `Bearer ${secret}`, "idempotency-key": "k" },
      events: [{ envelope: secret, id: "1" }],
      redis: { password: secret, sentinelPassword: secret },
      raw: Buffer.from(secret),
    });
    expect(lines[0]).not.toContain("078-05");
    expect(JSON.parse(lines[0]!)).toMatchObject({
      headers: { "idempotency-key": "k" },
      events: [{ id: "1" }],
    });
  });

  test("an error is printed with code and cause but without the members that may carry a payload", () => {
    const { lines, log } = recorder();
    const reply = Object.assign(new Error("ERR busy"), { command: { args: ["078-05-1120"] } });
    log.error("failed", { error: new HmsSyncError("unavailable", "Redis is away", { cause: reply }) });
    expect(lines[0]).not.toContain("078-05");
    expect(JSON.parse(lines[0]!).error).toMatchObject({
      name: "HmsSyncError",
      code: "unavailable",
      message: "Redis is away",
      cause: { message: "ERR busy" },
    });
  });

  test("fields cannot replace time, level or msg, and a circular field ends", () => {
    const { lines, log } = recorder();
    const loop: Record<string, unknown> = {};
    loop.self = loop;
    log.info("kept", { level: "error", msg: "forged", loop });
    expect(JSON.parse(lines[0]!)).toMatchObject({ level: "info", msg: "kept" });
  });
});
