import { describe, expect, test } from "vitest";
import { entry, type RegistryFiles, refusalOf, registryOf } from "./write-registry.js";

const v1 = {
  type: "object",
  properties: {
    inspectionId: { type: "integer" },
    newStatus: { type: "string" },
    completedBy: { type: "string" },
    zip: { type: "string" },
    items: { type: "array", items: { type: "object", properties: { code: { type: "string" } } } },
    extra: {},
  },
  required: ["inspectionId"],
  additionalProperties: false,
};
const v2 = {
  type: "object",
  properties: {
    inspectionId: { type: "integer" },
    newStatus: { enum: ["Completed", "Open"] },
    inspector: { type: "string" },
    address: { $ref: "#/$defs/address" },
    channel: { type: "string" },
    items: { type: "array", items: { type: "object", properties: { kind: { type: "string" } } } },
    extra: {},
  },
  required: ["inspectionId", "channel"],
  additionalProperties: false,
  $defs: { address: { type: "object", properties: { zip: { type: "string" } } } },
};

const good = `up:
  - rename: {from: /completedBy, to: inspector}
  - move: {from: /zip, to: /address/zip}
  - set: {path: /channel, value: web}
  - map: {path: /newStatus, values: {Done: Completed}, otherwise: {value: Open}}
  - rename: {from: /items/*/code, to: kind}
down:
  - rename: {from: /inspector, to: completedBy}
  - move: {from: /address/zip, to: /zip}
  - drop: /channel
  - map: {path: /newStatus, values: {Completed: Done}}
  - rename: {from: /items/*/kind, to: code}
examples:
  - v1: {inspectionId: 1, completedBy: x, zip: "60601", newStatus: Done, items: [{code: a}, {}]}
    v2: {inspectionId: 1, inspector: x, address: {zip: "60601"}, channel: web, newStatus: Completed, items: [{kind: a}, {}]}
  - only: up
    v1: {inspectionId: 1, newStatus: Strange}
    v2: {inspectionId: 1, channel: web, newStatus: Open}
`;

function files(casts: string, changes: RegistryFiles = {}): RegistryFiles {
  return {
    "topics.yaml": entry("t", { schema: "v2" }),
    "schemas/t/v1.json": v1,
    "schemas/t/v2.json": v2,
    "schemas/t/v2.casts.yaml": casts,
    ...changes,
  };
}

/** Casts of one way whose example shows nothing, to be refused for something else. */
const up = (step: string) =>
  `up:\n  - ${step}\nexamples: [{v1: {inspectionId: 1}, v2: {inspectionId: 1, channel: a}}]\n`;

test("a casts file is read, and casts both ways", async () => {
  const casts = (await registryOf(files(good))).topics.get("t")!.casts;
  expect([...casts.keys()]).toEqual([2]);
  const { up, down } = casts.get(2)!;
  expect(up('{"inspectionId":9007199254740993,"completedBy":"\\u00e9"}')).toBe(
    '{"inspectionId":9007199254740993,"inspector":"\\u00e9","channel":"web"}',
  );
  expect(down('{"inspectionId":1,"inspector":"x","channel":"web"}')).toBe(
    '{"inspectionId":1,"completedBy":"x"}',
  );
});

test("casts of versions that are not current yet are not read", async () => {
  const registry = await registryOf(
    files(good, { "topics.yaml": entry("t"), "schemas/t/v3.casts.yaml": "nonsense" }),
  );
  expect(registry.topics.get("t")!.casts.size).toBe(0);
});

test("casts over a version whose schema is gone are still read", async () => {
  const { "schemas/t/v1.json": _gone, ...rest } = files(good);
  expect((await registryOf(rest)).topics.get("t")!.casts.size).toBe(1);
});

test("the digest changes with a step and not with an example", async () => {
  const digest = async (casts: string) => (await registryOf(files(casts))).digest;
  const first = await digest(good);
  expect(
    await digest(good.replaceAll("value: web", "value: app").replaceAll("channel: web", "channel: app")),
  ).not.toBe(first);
  expect(await digest(good.replaceAll("Strange", "Other"))).toBe(first);
});

test("a path in an alternative or in an object that names no members is taken", async () => {
  const older = {
    type: "object",
    properties: { n: {} },
    anyOf: [{ properties: { a: { type: "object" } } }, { properties: { b: true } }],
  };
  const casts =
    "up:\n  - drop: /a/x/y\n  - drop: /b/c\nexamples: [{v1: {a: {x: {y: 1}}}, v2: {a: {x: {}}}}]\n";
  expect(
    await refusalOf(files(casts, { "schemas/t/v1.json": older, "schemas/t/v2.json": { type: "object" } })),
  ).toBe("");
});

test("a name that only steps between use is taken", async () => {
  const casts = `up:
  - rename: {from: /completedBy, to: first}
  - rename: {from: /zip, to: completedBy}
  - move: {from: /first, to: /address/zip}
  - move: {from: /completedBy, to: /inspector}
  - default: {path: /channel, value: web}
examples:
  - v1: {inspectionId: 1, completedBy: x, zip: y}
    v2: {inspectionId: 1, address: {zip: x}, inspector: y, channel: web}
`;
  expect(await refusalOf(files(casts))).toBe("");
});

describe("what is refused names place, value and remedy", () => {
  const at = "schemas/t/v2.casts.yaml:";
  test.each([
    ["an empty file", "", `${at}1:1: holds no casts; write up: and down: with a list of steps each`],
    ["a file of comments", "# up:\n---\n", `${at}1:1: holds no casts`],
    ["a list", "- up", `${at}1:1: holds no casts; write up: and down: with a list of steps each`],
    ["no direction", "examples: []\n", `${at}1:1: has neither up: nor down:; write`],
    [
      "a misspelled direction",
      good.replace("down:", "dwon:"),
      `${at}7:1: the key "dwon" of the file is unknown (did you mean down?)`,
    ],
    [
      "steps that are no list",
      "up: {rename: x}\n",
      `${at}1:1: up "{\\"rename\\":\\"x\\"}" is no list of steps; write one, or []`,
    ],
    [
      "an unknown step",
      up("renam: {from: /zip, to: x}"),
      `${at}2:5: the step "renam" is unknown (did you mean rename?)`,
    ],
    [
      "two steps in one entry",
      up("{drop: /zip, set: {path: /channel, value: a}}"),
      `${at}2:5: entry 1 of up is not one step`,
    ],
    [
      "a step without its body",
      up("rename:"),
      'rename "null" is not what the step needs; write rename: {from: /completedBy, to: inspector}',
    ],
    [
      "a missing member",
      up("set: {path: /channel}"),
      "set has no value; write set: {path: /channel, value: web}",
    ],
    ["an unknown member", up("drop: {path: /zip}"), "is no path of a field; write one like /legacyCode"],
    [
      "a misspelled member",
      up("map: {path: /newStatus, values: {a: b}, otherwize: keep}"),
      '"otherwize" of map is unknown (did you mean otherwise?)',
    ],
    [
      "a path without a slash",
      up("drop: zip"),
      `${at}2:11: "zip" of drop is no path of a field; write one like /legacyCode`,
    ],
    ["a path to the payload", up("drop: ''"), "is no path of a field"],
    ["a path of elements", up("drop: /items/*"), `"/items/*" of drop ends with an array's elements`],
    [
      "a rename to a path",
      up("rename: {from: /zip, to: /channel}"),
      'to "/channel" of rename is not a member\'s name',
    ],
    ["a move onto itself", up("move: {from: /zip, to: /zip/a}"), "would move a value into or onto itself"],
    [
      "a move out of an element",
      up("move: {from: /items/*/code, to: /channel}"),
      "a value stays in its element",
    ],
    ["a map of nothing", up("map: {path: /newStatus, values: {}}"), 'values "{}" of map names no value'],
    [
      "an otherwise that is none",
      up("map: {path: /newStatus, values: {a: b}, otherwise: drop}"),
      'otherwise "drop" of map is none; write keep, fail or {value: …}',
    ],
    [
      "a value that JSON lacks",
      up("set: {path: /channel, value: .inf}"),
      "value of set holds Infinity, which JSON has no number for",
    ],
    [
      "a value that would be rounded",
      up("set: {path: /channel, value: [9007199254740993]}"),
      "value of set holds an integer beyond 9007199254740991",
    ],
    [
      "a field that the older schema lacks",
      up("drop: /zipp"),
      `${at}2:11: /zipp is nothing that v1.json beside this file describes (did you mean zip?)`,
    ],
    [
      "a field that the newer schema lacks",
      up("rename: {from: /zip, to: chanel}"),
      "/chanel is nothing that v2.json beside this file describes (did you mean channel?)",
    ],
    [
      "a field inside a text",
      up("drop: /zip/x"),
      "/zip/x is nothing that v1.json beside this file describes",
    ],
    [
      "a field in the elements",
      up("drop: /items/*/cod"),
      "/items/*/cod is nothing that v1.json beside this file describes (did you mean code?)",
    ],
    [
      "a direction without an example",
      good.replaceAll("  - v1", "  - only: up\n    v1"),
      `${at}7:1: down has no example; add one to examples`,
    ],
    [
      "no example at all",
      good.replace(/examples:[\s\S]*/, ""),
      `${at}7:1: down has no example; add one to examples, like {v1: {…}, v2: {…}}`,
    ],
    [
      "examples that are no list",
      good.replace(/examples:[\s\S]*/, "examples: {v1: {}}\n"),
      "is no list; write one like [{v1: {…}, v2: {…}}]",
    ],
    [
      "an example of one version",
      `${good}  - v1: {inspectionId: 2}\n`,
      "example 3 has no payload of both versions",
    ],
    [
      "a strange key in an example",
      `${good}  - {v1: {}, v2: {}, onyl: up}\n`,
      'the key "onyl" of example 3 is unknown (did you mean only?)',
    ],
    [
      "an example of no direction",
      `${good}  - {v1: {}, v2: {}, only: both}\n`,
      'only "both" is no direction that this file has; write up or down',
    ],
    [
      "an example that its schema refuses",
      `${good}  - {v1: {}, v2: {inspectionId: 1, channel: a}}\n`,
      "the example does not fit v1.json: the payload must have required property 'inspectionId'",
    ],
    [
      "an example that the cast does not give",
      good.replace("inspector: x,", "inspector: y,"),
      'up of this example gives /inspector "\\"x\\"", and the example has "\\"y\\""',
    ],
    [
      "an example that cannot be cast",
      good.replace("otherwise: {value: Open}", "otherwise: fail"),
      "up of this example fails: schemas/t/v2.casts.yaml, step 4 of up: /newStatus has a value that the map does not name",
    ],
    [
      "a lossy cast without only",
      `${good}  - {v1: {inspectionId: 1}, v2: {inspectionId: 1, channel: app}}\n`,
      'up of this example gives /channel "\\"web\\"", and the example has "\\"app\\""',
    ],
    [
      "a field behind a $ref",
      up("set: {path: /address/zap, value: x}"),
      "/address/zap is nothing that v2.json beside this file describes (did you mean zip?)",
    ],
    ["an alias", up("drop: &a /zip"), 'the anchor "&a" is not taken'],
  ])("%s", async (_what, casts, expected) => {
    expect(await refusalOf(files(casts))).toContain(expected);
  });

  test.each([
    ["schemas/t/v2.cast.yaml", "no such file is read; name it like v2.casts.yaml"],
    ["schemas/t/v2.casts.yml", "no such file is read; name it like v2.casts.yaml"],
    ["schemas/t/v1.casts.yaml", "there is no version before v1"],
  ])("%s", async (file, expected) => {
    expect(await refusalOf(files(good, { [file]: good }))).toContain(`${file}: ${expected}`);
  });
});
