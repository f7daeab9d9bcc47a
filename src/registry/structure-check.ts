import type { AnySchemaObject, ErrorObject, ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import { pointerPath } from "../envelope/schema-merge.js";
import { parseDuration } from "./duration.js";
import { parseSize } from "./limits.js";
import { shown } from "./problems.js";
import type { SourceFile } from "./source-file.js";
import { topicsSchema } from "./structure.js";
import { didYouMean } from "./suggest.js";
import { nodeAt, plainValue, type YamlNode, type YamlScalar } from "./yaml.js";

let validateTopics: ValidateFunction | undefined;

/** Checks the file against `topicsSchema`; each problem with its place, its value and the remedy. */
export function checkStructure(file: SourceFile): void {
  validateTopics ??= compileTopics();
  validateTopics(plainValue(file.root));
  const told = new Set<string>();
  for (const error of validateTopics.errors ?? []) {
    const place = `${error.instancePath} ${error.params.additionalProperty ?? error.params.missingProperty ?? ""}`;
    if (error.keyword === "if" || told.has(place)) continue; // the branch's own errors say more
    told.add(place);
    addProblem(error, file);
  }
}

function compileTopics(): ValidateFunction {
  const ajv = new Ajv2020({
    allErrors: true,
    verbose: true,
    ownProperties: true,
    strict: true,
    strictRequired: false,
  });
  ajv.addKeyword({ keyword: "expected", schemaType: "object" });
  ajv.addKeyword({ keyword: "filter", schemaType: "boolean" }); // checked with its place by filter-checks.ts
  ajv.addKeyword({
    keyword: "duration",
    schemaType: "object",
    validate: within(parseDuration),
    errors: false,
  });
  ajv.addKeyword({ keyword: "size", schemaType: "object", validate: within(parseSize), errors: false });
  return ajv.compile(topicsSchema);
}

/** Validates a text that `parse` reads as a quantity between the keyword's bounds. */
function within(parse: (text: string) => number | undefined) {
  return ({ minimum, maximum }: { minimum: number; maximum: number }, value: unknown): boolean => {
    const quantity = typeof value === "string" ? parse(value) : undefined;
    return quantity !== undefined && quantity >= minimum && quantity <= maximum;
  };
}

function addProblem(error: ErrorObject, file: SourceFile): void {
  const path = pointerPath(error.instancePath) ?? [];
  const schema = error.parentSchema as AnySchemaObject;
  if (error.keyword === "additionalProperties") {
    const key = String(error.params.additionalProperty);
    file.refuseKey(path, key, unknownKey(key, path, Object.keys(schema.properties)));
  } else if (error.keyword === "required") {
    file.refuse(path, missingKey(String(error.params.missingProperty), path, schema));
  } else {
    file.refuse(path, wrongValue(path, nodeAt(file.root, path).node, schema));
  }
}

function unknownKey(key: string, path: readonly string[], known: readonly string[]): string {
  const remedy = didYouMean(key, known) || ` (known are ${known.join(", ")})`;
  return `the key ${shown(key)} of ${placeOf(path)} is unknown${remedy}; correct or remove it`;
}

function missingKey(key: string, path: readonly string[], schema: AnySchemaObject): string {
  return `${placeOf(path)} has no ${key}; add ${key}: with ${schema.properties[key].expected.write}`;
}

function wrongValue(path: readonly string[], node: YamlNode, schema: AnySchemaObject): string {
  const { what, write } = schema.expected ?? { what: "what stands here", write: "what the reference says" };
  const place = placeOf(path);
  if (node.kind !== "scalar") return `${place} ${shown(plainValue(node))} is not ${what}; write ${write}`;
  if (node.text === "") return `${place} is empty, not ${what}; write ${write}`;
  return `${place} ${shown(node.text)} is not ${what}; ${trapRemedy(node, schema) ?? `write ${write}`}`;
}

/** What helps when the text is right, but YAML reads it as something else. */
function trapRemedy({ text, value }: YamlScalar, schema: AnySchemaObject): string | undefined {
  if (typeof value !== "string" && schema.type === "string" && fits(text, schema)) {
    return `put it in quotes, since YAML takes it for ${kindOf(value)}`;
  }
  if (schema.type === "object" && /^[$\w]+:\S/u.test(text)) return "write a space after the colon";
  if (schema.type === "array" && /^-\S/u.test(text)) return "write a space after the dash";
  return undefined;
}

function fits(text: string, { pattern }: AnySchemaObject): boolean {
  return pattern === undefined || new RegExp(pattern, "u").test(text);
}

function kindOf(value: unknown): string {
  if (value === null) return "nothing";
  return typeof value === "boolean" ? "true or false" : "a number";
}

/** `qos of inspections.status`, `consumers[1].ack_wait of inspections.status`. */
function placeOf(path: readonly string[]): string {
  const [first, ...rest] = path;
  if (first === undefined) return "the file";
  if (rest.length === 0) return first;
  const inner = rest.map((token) => (/^\d+$/.test(token) ? `[${Number(token) + 1}]` : `.${token}`)).join("");
  return `${inner.slice(1)} of ${first}`;
}
