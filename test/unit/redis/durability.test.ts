import { describe, expect, test } from "vitest";
import { assessDurability, type CommandClient, checkRedis } from "../../../src/redis/durability.js";

const policy = { "maxmemory-policy": "noeviction" };

describe("assessDurability", () => {
  test("AOF with appendfsync always and noeviction is worth no warning", () => {
    expect(assessDurability({ appendonly: "yes", appendfsync: "always", ...policy })).toEqual({
      level: "always",
      evictionPolicy: "noeviction",
      warnings: [],
    });
  });

  test.each([
    [
      { appendonly: "yes", appendfsync: "everysec" },
      "everysec",
      "about 2 s of events; set appendfsync always",
    ],
    [{ appendonly: "yes" }, "everysec", "does not tell its appendfsync, everysec is assumed"],
    [{ appendonly: "yes", appendfsync: "no" }, "none", 'appendfsync is "no"'],
    [{ appendonly: "no", appendfsync: "always" }, "none", "the AOF is off"],
    [{}, "none", "does not tell whether its AOF is on"],
  ])("%j is level %s with a warning that names the remedy", (settings, level, warning) => {
    const durability = assessDurability({ ...settings, ...policy });
    expect(durability).toMatchObject({ level, warnings: [expect.stringContaining(warning)] });
    expect(durability.warnings[0]).toMatch(/set append(only yes|fsync always)/);
  });

  test.each(["allkeys-lru", "volatile-lru", "allkeys-random", "volatile-ttl", "allkeys-lfu"])(
    "the eviction policy %s is refused, and the refusal says what to set",
    (evictionPolicy) => {
      const settings = { appendonly: "yes", appendfsync: "always", "maxmemory-policy": evictionPolicy };
      expect(assessDurability(settings).refusal).toMatch(
        new RegExp(`"${evictionPolicy}".*set it to noeviction`),
      );
    },
  );

  test("a policy that Redis does not tell is warned about, not refused", () => {
    const durability = assessDurability({ appendonly: "yes", appendfsync: "always" });
    expect(durability).toMatchObject({
      evictionPolicy: "unknown",
      warnings: [expect.stringContaining("noeviction")],
    });
    expect(durability.refusal).toBeUndefined();
  });
});

describe("checkRedis", () => {
  test("a connection that is lost while it asks rejects; it is not a Redis that forbids CONFIG", async () => {
    const lost: CommandClient = { call: () => Promise.reject(new Error("Connection is closed.")) };
    await expect(checkRedis(lost)).rejects.toThrow("Connection is closed.");
  });

  test("a Redis that forbids CONFIG and INFO is warned about twice", async () => {
    const refusal = Object.assign(new Error("NOPERM"), { name: "ReplyError" });
    const { level, warnings } = await checkRedis({ call: () => Promise.reject(refusal) });
    expect(level).toBe("none");
    expect(warnings).toHaveLength(2);
  });
});
