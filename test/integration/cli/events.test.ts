import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { eventually } from "../../support/eventually.js";
import type { SpawnedProcess } from "../../support/process.js";
import { CliFolder, inspections } from "./cli-bus.js";

const publishInspection = (folder: CliFolder, inspectionId: number) =>
  folder.hmsSync(["publish", "inspections.status", JSON.stringify({ inspectionId, newStatus: "Completed" })]);

const printed = (subscriber: SpawnedProcess, ids: readonly number[]) =>
  eventually(() => {
    expect(inspections(subscriber.stdout())).toEqual(ids);
  });

describe("publish and subscribe, as typed", () => {
  test("what was published twice and read by nobody is shown by subscribe --since=10m", async () => {
    const folder = new CliFolder();
    await folder.start();
    const publish = (id: number) =>
      `hms-sync publish inspections.status '{"inspectionId":${id},"newStatus":"Completed"}'`;
    expect(await folder.shell(publish(99))).toMatchObject({ code: 0, stderr: "" });
    expect(await folder.shell(publish(100))).toMatchObject({ code: 0, stderr: "" });
    const subscriber = await folder.spawn(["subscribe", "inspections.status", "--since=10m"]);
    await printed(subscriber, [99, 100]);
    const envelopes = subscriber
      .stdout()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(envelopes[0]).toMatchObject({
      topic: "inspections.status",
      version: 1,
      payload: { inspectionId: 99, newStatus: "Completed" },
      qos: "exactly_once",
      source: "cli",
    });
    await publishInspection(folder, 101);
    await printed(subscriber, [99, 100, 101]);
    expect(await subscriber.kill("SIGINT")).toEqual({ code: 0, signal: null });
  });

  test("--no-follow ends at the ledger's end, and a reader that has enough ends it quietly", async () => {
    const folder = new CliFolder();
    await folder.start();
    for (const id of [1, 2, 3]) await publishInspection(folder, id);
    const whole = await folder.hmsSync(["subscribe", "inspections.status", "--no-follow"]);
    expect({ ...whole, stdout: inspections(whole.stdout) }).toEqual({
      code: 0,
      signal: null,
      stdout: [1, 2, 3],
      stderr: "",
    });
    const head = await folder.shell(
      "hms-sync subscribe inspections.status --since=10m --no-follow | head -1",
    );
    expect({ ...head, stdout: inspections(head.stdout) }).toMatchObject({ code: 0, stdout: [1], stderr: "" });
  });

  test("a follower whose reader goes away ends quietly at the next event", async () => {
    const folder = new CliFolder();
    await folder.start();
    const child = folder.detached(["subscribe", "inspections.status"]);
    let notes = "";
    child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      notes += text;
    });
    await eventually(() => notes.includes("following"));
    child.stdout!.destroy();
    const exited = once(child, "exit");
    await publishInspection(folder, 1);
    expect(await exited).toEqual([0, null]);
    expect(notes).toBe("following inspections.status; Ctrl-C ends\n");
  });

  test("from standard input comes the payload byte for byte, on one line", async () => {
    const folder = new CliFolder();
    await folder.start();
    const stdin = '{\n  "inspectionId": 12345678901234567890,\n  "newStatus": "caf\\u00e9 \\/ 1.0"\n}\n';
    const run = await folder.hmsSync(["publish", "inspections.status", "-", "--id", "pretty"], { stdin });
    expect(run).toMatchObject({ code: 0, stdout: "pretty published to inspections.status (version 1)\n" });
    const again = await folder.hmsSync(["publish", "inspections.status", "-", "--id", "pretty", "--json"], {
      stdin,
    });
    expect(JSON.parse(again.stdout)).toMatchObject({ id: "pretty", duplicate: true });
    const { stdout } = await folder.hmsSync(["subscribe", "inspections.status", "--no-follow"]);
    expect(stdout.split("\n")).toHaveLength(2);
    expect(stdout).toContain('"inspectionId": 12345678901234567890,"newStatus": "caf\\u00e9 \\/ 1.0"');
  });

  test("what the bus refuses is told with value, place and remedy", async () => {
    const folder = new CliFolder();
    await folder.start();
    const publish = (...args: string[]) => folder.hmsSync(["publish", ...args]);
    const wrong = await publish("inspections.status", '{"inspectionId":"99"}');
    expect(wrong).toMatchObject({ code: 1, stdout: "" });
    expect(wrong.stderr).toMatch(/schemas\/inspections\.status\/v1\.json.*\/inspectionId must be integer/);
    expect(await publish("inspections.status", "{inspectionId:99}")).toMatchObject({ code: 2, stdout: "" });
    expect(await publish("inspections.status", "-")).toMatchObject({ code: 2, stdout: "" });
    const unknown = await publish("inspections.sattus", "{}");
    expect(unknown.code).toBe(1);
    expect(unknown.stderr).toMatch(/"inspections\.sattus" is not in topics\.yaml/);
    expect((await folder.hmsSync(["subscribe", "inspections.sattus"])).code).toBe(1);
  });
});

describe("a following subscribe", () => {
  test.each([
    ["a kill -9 of the bus", "SIGKILL"],
    ["an ordinary end of the bus", "SIGTERM"],
  ] as const)(
    "survives %s and a new one on another port: no line lost, none repeated",
    async (_what, signal) => {
      const folder = new CliFolder();
      const first = await folder.start();
      await publishInspection(folder, 1);
      const subscriber = await folder.spawn(["subscribe", "inspections.status"]);
      await subscriber.waitForLine(/following/);
      const expected: number[] = [];
      for (const id of [2, 3]) {
        await publishInspection(folder, id);
        expected.push(id);
      }
      await printed(subscriber, expected);
      await first.process.kill(signal);
      await subscriber.waitForLine(/lost the bus/);
      const second = await folder.start();
      expect(second.url).not.toBe(first.url);
      await publishInspection(folder, 4);
      await subscriber.waitForLine(/back: inspections\.status goes on/);
      await publishInspection(folder, 5);
      await printed(subscriber, [...expected, 4, 5]);
      expect(await subscriber.kill("SIGTERM")).toEqual({ code: 0, signal: null });
    },
  );

  test("reads on while the bus is killed again and again under a running producer", async () => {
    const folder = new CliFolder();
    let bus = await folder.start();
    const subscriber = await folder.spawn(["subscribe", "inspections.status", "--since=10m"]);
    await subscriber.waitForLine(/following/);
    const acknowledged: number[] = [];
    for (let id = 1; id <= 9; id++) {
      const publishing = publishInspection(folder, id);
      if (id % 3 === 0) {
        await bus.process.kill("SIGKILL");
        bus = await folder.start();
      }
      if ((await publishing).code === 0) acknowledged.push(id);
    }
    await eventually(() => {
      const ids = inspections(subscriber.stdout());
      expect(new Set(ids).size).toBe(ids.length);
      expect(ids).toEqual(expect.arrayContaining(acknowledged));
    });
  });
});
