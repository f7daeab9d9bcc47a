import { load } from "js-yaml";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tokenOf } from "../../test/support/adapters.js";
import { type BusFolder, busFolder, type RunningBus, startBus } from "../../test/support/bus.js";
import { scaffold } from "./support.js";

const topics = `
payments.issued:
  qos: exactly_once
  retention: 7d
  schema: v1
  key: /line
  producers: [hms-api]
  consumers: [treasury-payroll]
`;
const payment = {
  type: "object",
  required: ["paymentId", "line"],
  properties: { paymentId: { type: "integer" }, line: { type: "integer" } },
};

let folder: BusFolder;
let bus: RunningBus;

beforeAll(async () => {
  folder = await busFolder(topics, ["payments.issued"], { "payments.issued": payment });
  bus = await startBus(folder);
});
afterAll(async () => {
  await bus.process.kill("SIGTERM");
  folder.remove();
});

const base = ["treasury-payroll", "--db=oracle", "--yes"];

test("a running bus tells the topics of the token's system, their fields and their key", async () => {
  const token = await tokenOf(bus, "treasury-payroll");
  const { code, err, out, read } = await scaffold([...base, `--url=${bus.url}`, `--token=${token}`]);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(out).not.toMatch(/note:/);
  expect(load(read("treasury-payroll/mapping.yaml"))).toMatchObject({
    "payments.issued": { key: ["LINE"], columns: { PAYMENT_ID: { from: "payload.paymentId" } } },
  });
  expect(read("treasury-payroll/src/hms-sync-topics.ts")).toContain("readonly paymentId: number;");
  expect(read("treasury-payroll/.env.example")).toContain(`HMS_SYNC_URL=${bus.url}\n`);
  expect(read("treasury-payroll/.env.example")).not.toContain(token);
});

test("a token that the bus does not take, and a topic that it has not, fail with its words", async () => {
  const refused = await scaffold([...base, `--url=${bus.url}`, "--token=hms_wrong"]);
  expect(refused).toMatchObject({ code: 1, err: expect.stringMatching(/token/) });
  const unknown = await scaffold([...base, "--topic=nowhere", `--url=${bus.url}`, `--token=${bus.token}`]);
  expect(unknown).toMatchObject({ code: 1, err: expect.stringMatching(/"nowhere" is not in topics\.yaml/) });
});
