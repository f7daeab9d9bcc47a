import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { rowOf } from "@hms-sync/client/sql";
import type { EventIdentity } from "../src/event-name.js";
import { type Charset, encoded, segment } from "../src/hl7.js";
import { readMappings } from "../src/mapping.js";
import { hl7File } from "../src/messages.js";
import { lineOf } from "../src/register.js";
import { projectFile } from "../src/settings.js";
import { fieldOf, parseMessage } from "./hl7-parser.js";

interface Example {
  readonly name: string;
  readonly event: EventIdentity;
  readonly payload: object;
  readonly charset: Charset;
  readonly file: string;
  readonly segments: readonly string[];
}

const examples: Example[] = JSON.parse(readFileSync(projectFile("test/hl7-examples.json"), "utf8"));
const columns = new Map(readMappings().map((mapping) => [mapping.topic, mapping.columns]));
const status = examples[0]!;

function fileOf({ event, payload, charset }: Pick<Example, "event" | "payload" | "charset">) {
  return hl7File(lineOf(rowOf(columns.get(event.topic)!, JSON.stringify(payload))), event, charset);
}

function bytesOf(name: string, charset: Charset): Buffer {
  return fileOf({ event: status.event, payload: { ...status.payload, completedBy: name }, charset }).content;
}

for (const example of examples) {
  test(`${example.name} is this message, byte for byte`, () => {
    const { name, content } = fileOf(example);
    const text = example.segments.map((each) => `${each}\r`).join("");
    const encoding = example.charset === "8859/1" ? "latin1" : "utf8";
    assert.equal(content.toString(encoding), text);
    assert.deepEqual(content, Buffer.from(text, encoding));
    assert.equal(name, example.file);
  });
}

test("a reader finds each field at its place", () => {
  const message = parseMessage(fileOf(status).content.toString());
  assert.deepEqual(
    message.map(({ name }) => name),
    ["MSH", "PID", "OBR", "OBX", "ZEV"],
  );
  assert.equal(fieldOf(message, "MSH", 9, 2), "R01");
  assert.equal(fieldOf(message, "MSH", 12), "2.5.1");
  assert.equal(fieldOf(message, "MSH", 18), "UNICODE UTF-8");
  assert.equal(fieldOf(message, "PID", 3), "INS-000042");
  assert.equal(fieldOf(message, "OBX", 5), "closed");
  assert.equal(fieldOf(message, "OBX", 14), "20240423150211+0000");
  assert.equal(fieldOf(message, "OBX", 16), "INSPECTOR_1337");
  const moved = parseMessage(fileOf(examples.at(-1)!).content.toString());
  assert.equal(fieldOf(moved, "SCH", 11, 4), "20240502143000+0000");
});

test("every character of Latin-1, in every neighbourhood of delimiters, is read as it was written", () => {
  for (let code = 0; code <= 0xff; code++) {
    for (const between of ["", "\\", "|", "^&~\\", "\\F\\", "\r\n", "X"]) {
      const name = `${between}${String.fromCharCode(code)}${between}`;
      for (const [charset, encoding] of [
        ["8859/1", "latin1"],
        ["UNICODE UTF-8", "utf8"],
      ] as const) {
        const message = parseMessage(bytesOf(name, charset).toString(encoding));
        assert.equal(message.length, 5);
        assert.equal(fieldOf(message, "OBX", 16), name);
      }
    }
  }
});

test("what the charset has not is refused without being named", () => {
  for (const [name, charset] of [
    ["Łukasz", "8859/1"],
    ["10 €", "8859/1"],
    ["Müller", "ASCII"],
  ] as const) {
    assert.throws(() => bytesOf(name, charset), {
      name: "Permanent",
      message: `hl7: a character that ${charset} has not`,
    });
  }
  assert.equal(
    parseMessage(bytesOf("Łukasz 🦊", "UNICODE UTF-8").toString())[3]?.fields[16]?.[0],
    "Łukasz 🦊",
  );
  assert.throws(() => encoded("\ud800", "UNICODE UTF-8"), /half of a surrogate pair/);
});

test("empty fields and components at the end are left out, others stand", () => {
  assert.equal(segment("ZZZ", ["", ["a", undefined, "b", ""], undefined, ""]), "ZZZ||a^^b");
  assert.equal(segment("ZZZ", []), "ZZZ");
});
