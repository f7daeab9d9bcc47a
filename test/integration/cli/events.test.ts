import { once } from "node:events";
import { beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../../support/eventually.js";
import { CliFolder, inspections, printed } from "./cli-bus.js";

let folder: CliFolder;
let url: string;

beforeAll(async () => {
  folder = new CliFolder(["to.the.end", "reader.gone", "from.stdin"]);
  ({ url } = await folder.start());
});

describe("publish and subscribe", () => {
  test("as typed: what was published twice and read by nobody is shown by subscribe --since=10m", async () => {
    const publish = (id: number) =>
      `hms-sync publish inspections.status '{"inspectionId":${id},"newStatus":"Completed"}'`;
    expect(await folder.shell(publish(99))).toMatchObject({ code: 0, stderr: "" });
    expect(await folder.shell(publish(100))).toMatchObject({ code: 0, stderr: "" });
    const subscriber = await folder.spawn(["subscribe", "inspections.status", "--since=10m"]);
    await printed(subscriber, [99, 100]);
    const [first] = subscriber.stdout().split("\n");
    expect(JSON.parse(first!)).toMatchObject({
      topic: "inspections.status",
      version: 1,
      payload: { inspectionId: 99, newStatus: "Completed" },
      qos: "exactly_once",
      source: "cli",
    });
    await folder.post(url, "inspections.status", 101);
    await printed(subscriber, [99, 100, 101]);
    expect(await subscriber.kill("SIGINT")).toEqual({ code: 0, signal: null });
  });

  test("--no-follow ends at the ledger's end, and a reader that has enough ends it quietly", async () => {
    for (const id of [1, 2, 3]) await folder.post(url, "to.the.end", id);
    const whole = await folder.hmsSync(["subscribe", "to.the.end", "--no-follow"]);
    expect(whole).toMatchObject({ code: 0, stderr: "" });
    expect(inspections(whole.stdout)).toEqual([1, 2, 3]);
    const head = await folder.shell("hms-sync subscribe to.the.end --since=10m --no-follow | head -1");
    expect(head).toMatchObject({ code: 0, stderr: "" });
    expect(inspections(head.stdout)).toEqual([1]);
  });

  test("a follower whose reader goes away ends quietly at the next event", async () => {
    const child = folder.detached(["subscribe", "reader.gone"]);
    let notes = "";
    child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      notes += text;
    });
    await eventually(() => notes.includes("following"));
    child.stdout!.destroy();
    const exited = once(child, "exit");
    await folder.post(url, "reader.gone", 1);
    expect(await exited).toEqual([0, null]);
    expect(notes).toBe("following reader.gone; Ctrl-C ends\n");
  });

  test("from standard input comes the payload byte for byte, on one line", async () => {
    const stdin = '{\n  "inspectionId": 12345678901234567890,\n  "newStatus": "caf\\u00e9 \\/ 1.0"\n}\n';
    const publish = (...more: string[]) =>
      folder.hmsSync(["publish", "from.stdin", "-", "--id", "pretty", ...more], { stdin });
    expect(await publish()).toMatchObject({
      code: 0,
      stdout: "pretty published to from.stdin (version 1)\n",
    });
    expect(JSON.parse((await publish("--json")).stdout)).toMatchObject({ id: "pretty", duplicate: true });
    const { stdout } = await folder.hmsSync(["subscribe", "from.stdin", "--no-follow"]);
    expect(stdout.split("\n")).toHaveLength(2);
    expect(stdout).toContain('"inspectionId": 12345678901234567890,"newStatus": "caf\\u00e9 \\/ 1.0"');
  });
});

describe("what the bus refuses is told with value, place and remedy", () => {
  test.each([
    [
      ["publish", "from.stdin", '{"inspectionId":"99"}'],
      1,
      /from\.stdin\/v1\.json.*\/inspectionId must be integer/,
    ],
    [["publish", "from.stdin", "{inspectionId:99}"], 2, /not JSON/],
    [["publish", "from.stdin", "-"], 2, /not JSON/],
    [["publish", "inspections.sattus", "{}"], 1, /"inspections\.sattus" is not in topics\.yaml/],
    [["subscribe", "inspections.sattus"], 1, /"inspections\.sattus" is not in topics\.yaml/],
  ])("hms-sync %j", async (argv, code, said) => {
    const run = await folder.hmsSync(argv);
    expect(run).toMatchObject({ code, stdout: "" });
    expect(run.stderr).toMatch(said);
  });
});
