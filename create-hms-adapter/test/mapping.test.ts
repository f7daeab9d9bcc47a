import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkMapping, type Mapping, rowOf } from "@hms-sync/client/sql";
import { load } from "js-yaml";
import { expect, test } from "vitest";
import { sqlNameOf } from "../src/names.js";
import { likelyKey } from "../src/row-key.js";
import { scaffold } from "./support.js";

interface Entry {
  readonly table: string;
  readonly key: readonly string[];
  readonly columns: Mapping;
}

const payment = {
  type: "object",
  required: ["paymentId", "amount", "payee"],
  properties: {
    paymentId: { description: "Number of the payment.", type: "integer" },
    amount: { type: "number", multipleOf: 0.01 },
    issuedOn: { type: "string", format: "date" },
    approvedAt: { type: ["string", "null"], format: "date-time" },
    kind: { enum: ["salary", "refund"] },
    urgent: { type: "boolean" },
    grade: { type: "integer", minimum: 1, maximum: 9 },
    payee: {
      type: "object",
      required: ["name"],
      properties: { name: { type: "string", maxLength: 40 }, "zip.code": { type: "string" } },
    },
    lines: { type: "array", items: { type: "integer" } },
    NO: { type: "string" },
  },
};

async function mapped(
  schema: object,
  ...more: string[]
): Promise<{ entry: Entry; sample: string; text: string }> {
  const cwd = mkdtempSync(join(tmpdir(), "scaffold-"));
  writeFileSync(join(cwd, "s.json"), JSON.stringify(schema));
  const argv = ["x", "--topic", "payments.issued", "--schema", "s.json", "--yes", ...more];
  const made = await scaffold(argv.includes("--db") ? argv : [...argv, "--db", "oracle"], { cwd });
  expect(made.err).toBe("");
  const text = made.read("x/mapping.yaml");
  const entries = load(text) as Record<string, Entry>;
  return { entry: entries["payments.issued"]!, sample: made.read("x/samples/payments.issued.json"), text };
}

test("each field of the schema becomes a column of its type, those of objects with the object's name", async () => {
  const { entry, text } = await mapped(payment);
  expect(entry).toEqual({
    table: "PAYMENTS_ISSUED",
    key: ["PAYMENT_ID"],
    columns: {
      PAYMENT_ID: { from: "payload.paymentId", type: "bigint", required: true },
      AMOUNT: { from: "payload.amount", type: "decimal(12,2)", required: true },
      ISSUED_ON: { from: "payload.issuedOn", type: "date" },
      APPROVED_AT: { from: "payload.approvedAt", type: "timestamp" },
      KIND: { from: "payload.kind", type: "text(6)" },
      URGENT: { from: "payload.urgent", type: "boolean(Y/N)" },
      GRADE: { from: "payload.grade", type: "integer" },
      PAYEE_NAME: { from: "payload.payee.name", type: "text(40)", required: true },
      PAYEE_ZIP_CODE: { from: "/payee/zip.code", type: "text(255)" },
      NO: { from: "payload.NO", type: "text(255)" },
    },
  });
  expect(text).toMatch(/^ {4}# LINES: \{from: payload\.lines, type: json\}/m);
  expect(text).toContain("# Number of the payment.");
});

test("what is generated is a mapping that the client takes, and the sample fits it", async () => {
  const { entry, sample } = await mapped(payment);
  checkMapping(entry.columns);
  const row = rowOf(entry.columns, sample);
  expect(Object.keys(row)).toEqual(Object.keys(entry.columns));
  expect(row).toMatchObject({ ISSUED_ON: "2024-04-23", KIND: "salary", URGENT: "Y" });
});

test.each([
  ["postgres", [], "payments_issued", "payment_id"],
  ["postgres", ["--table", "PAYMENTS"], "PAYMENTS", "PAYMENT_ID"],
  ["mysql", ["--table", "legacy.pay"], "legacy.pay", "payment_id"],
  ["mssql", ["--table", "dbo.Pay", "--key", "amount"], "dbo.Pay", "amount"],
  ["sqlite", ["--key", "paymentId"], "PAYMENTS_ISSUED", "PAYMENT_ID"],
  ["sqlite", ["--key", "payee.name"], "PAYMENTS_ISSUED", "payee_name"],
])("names for %s %j are written as its table is: %s, %s", async (db, more, table, key) => {
  const { entry } = await mapped(payment, "--db", db, ...more);
  expect(entry).toMatchObject({ table, key: [key] });
});

test("a key that is no column is refused, with what there is", async () => {
  const cwd = mkdtempSync(join(tmpdir(), "scaffold-"));
  writeFileSync(join(cwd, "s.json"), JSON.stringify(payment));
  const argv = ["x", "--topic=p", "--schema=s.json", "--db=oracle", "--key=PAYMENT_IT"];
  const { code, err } = await scaffold(argv, { cwd });
  expect(err).toMatch(
    /"PAYMENT_IT" is no column of p \(did you mean PAYMENT_ID\?\); there are PAYMENT_ID, AMOUNT/,
  );
  expect(code).toBe(2);
});

test("a payload without anything like a key is found by the event's id", async () => {
  const { entry } = await mapped({ type: "object", properties: { text: { type: "string" } } });
  expect(entry.key).toEqual(["EVENT_ID"]);
  expect(entry.columns).toMatchObject({ EVENT_ID: { from: "envelope.id", required: true } });
});

test.each([
  ["inspectionId", "INSPECTION_ID"],
  ["HTTPStatus", "HTTP_STATUS"],
  ["größe", "GRO_E"],
  ["2nd", "F_2ND"],
  ["a--b", "A_B"],
])("%s is called %s", (field, column) => {
  expect(sqlNameOf(field, "upper")).toBe(column);
});

test("what an optional or nullable object requires is not required of the event", async () => {
  const inner = { type: "object", required: ["zip"], properties: { zip: { type: "string" } } };
  const schema = {
    type: "object",
    required: ["no", "to"],
    properties: { no: { type: "integer" }, from: inner, to: { anyOf: [{ type: "null" }, inner] } },
  };
  const { entry } = await mapped(schema);
  expect(entry.columns).toMatchObject({
    NO: { required: true },
    FROM_ZIP: { from: "payload.from.zip", type: "text(255)" },
  });
  expect(entry.columns.FROM_ZIP).not.toHaveProperty("required");
  expect(entry.columns.TO_ZIP).not.toHaveProperty("required");
});

test("the topic's ordering key goes before what is merely called like one", () => {
  const field = { type: "bigint", required: true, proposed: false };
  const columns = [
    { ...field, name: "ID", from: "payload.id", path: ["id"] },
    { ...field, name: "CASE_REF", from: "payload.case.ref", path: ["case", "ref"] },
  ];
  expect(likelyKey(columns, "/case/ref")).toEqual(["CASE_REF"]);
  expect(likelyKey(columns)).toEqual(["ID"]);
});
