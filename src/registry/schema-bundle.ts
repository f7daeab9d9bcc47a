import { posix } from "node:path";
import {
  isSchema,
  type JsonSchema,
  mergedSchemas,
  pointerPath,
  resolveLocalRef,
} from "../envelope/schema-merge.js";
import { shown } from "./problems.js";
import type { SchemaFiles } from "./schema-files.js";
import { allSubschemas, pointerOf, subschemasOf } from "./subschemas.js";

type SchemaObject = Record<string, unknown>;

/** Keywords that change what a `$ref` means, or what ajv's answer is. */
const refused: Record<string, string> = {
  $id: "refer to files by their path",
  $anchor: "refer to it by a JSON Pointer, like #/$defs/address",
  $dynamicRef: "write a $ref",
  $dynamicAnchor: "refer to it by a JSON Pointer",
  $async: "a payload is checked at once",
};

const dialect = "https://json-schema.org/draft/2020-12/schema";

/**
 * One schema with every file it refers to copied under `$defs` (JSON Schema 2020-12, 9.3), so that each `$ref` in it
 * is local.
 * @throws SchemaProblem for a `$ref` that leads out of schemas/, to another host or nowhere.
 */
export function bundleSchema(file: string, files: SchemaFiles): SchemaObject {
  const bundle = new Bundle(file, files);
  const root = bundle.copy(file);
  for (let next = bundle.waiting.shift(); next !== undefined; next = bundle.waiting.shift()) {
    const definitions = (root.$defs ?? {}) as SchemaObject;
    root.$defs = { ...definitions, [next]: bundle.copy(next) };
  }
  checkTargets(root, file, files);
  return root;
}

class Bundle {
  /** Files that are referred to and not copied yet. */
  readonly waiting: string[] = [];
  private readonly seen = new Set<string>();

  constructor(
    private readonly root: string,
    private readonly files: SchemaFiles,
  ) {
    this.seen.add(root);
  }

  copy(file: string): SchemaObject {
    const copy = structuredClone(this.files.read(file));
    if (copy.$schema !== undefined && String(copy.$schema).replace(/#$/, "") !== dialect) {
      const tell = () => `$schema ${shown(copy.$schema)} is not taken; write ${dialect} or leave it out`;
      throw this.files.problem(file, [], tell, "$schema");
    }
    delete copy.$schema;
    for (const { schema, path } of allSubschemas(copy)) {
      if (typeof schema !== "boolean") this.localize(schema as SchemaObject, path, file);
    }
    return copy;
  }

  private localize(schema: SchemaObject, path: readonly string[], file: string): void {
    for (const [keyword, remedy] of Object.entries(refused)) {
      if (!Object.hasOwn(schema, keyword)) continue;
      const tell = (pointer: string) => `${keyword} at ${pointer} is not taken; ${remedy}`;
      throw this.files.problem(file, path, tell, keyword);
    }
    if (schema.$ref !== undefined) schema.$ref = this.localRef(schema.$ref, path, file);
  }

  private localRef(ref: unknown, path: readonly string[], file: string): string {
    const [target, fragment = ""] = typeof ref === "string" ? ref.split("#", 2) : ["//"];
    const refuse = (why: string) =>
      this.files.problem(file, path, (pointer) => `$ref ${shown(ref)} at ${pointer} ${why}`, "$ref");
    if (/^[a-z][a-z0-9+.-]*:|^\//i.test(target!)) {
      throw refuse("is not a relative path; copy the schema into schemas/ and refer to that file");
    }
    const named = target === "" ? file : posix.join(posix.dirname(file), target!);
    if (!/^schemas\/[\w./-]+\.json$/.test(named) || named.split("/").includes("..")) {
      throw refuse("leads out of schemas/; refer to a .json file inside it");
    }
    if (pointerPath(decode(fragment)) === undefined) {
      throw refuse("has no JSON Pointer after #; write one like #/$defs/address");
    }
    return `#${this.prefixOf(named)}${fragment}`;
  }

  private prefixOf(file: string): string {
    if (file === this.root) return "";
    if (!this.seen.has(file)) {
      this.seen.add(file);
      this.waiting.push(file);
    }
    return pointerOf(["$defs", file]);
  }
}

/** The fragment without its percent-encoding; what is encoded wrongly is no JSON Pointer. */
function decode(fragment: string): string {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return "%"; // refused by the caller like every other fragment that is no pointer
  }
}

function checkTargets(root: SchemaObject, file: string, files: SchemaFiles): void {
  for (const { schema, path } of allSubschemas(root)) {
    if (typeof schema === "boolean" || typeof schema.$ref !== "string") continue;
    if (resolveLocalRef(root, schema.$ref) === undefined) {
      const tell = (pointer: string) =>
        `$ref at ${pointer} leads to no schema (${shown(schema.$ref)}); correct its path`;
      throw files.problem(file, path, tell, "$ref");
    }
  }
  checkLoops(root, file, files);
}

/** A schema that needs itself for the same value would be checked for ever. */
function checkLoops(root: SchemaObject, file: string, files: SchemaFiles): void {
  const done = new Set<JsonSchema>();
  const open = new Set<JsonSchema>();
  const enter = (schema: JsonSchema, path: readonly string[]): void => {
    if (typeof schema === "boolean" || done.has(schema)) return;
    if (open.has(schema)) {
      const tell = (pointer: string) =>
        `the $ref at ${pointer} leads back to itself; let it lead to another schema`;
      throw files.problem(file, path, tell);
    }
    open.add(schema);
    if (typeof schema.$ref === "string") enter(resolveLocalRef(root, schema.$ref)!, [...path, "$ref"]);
    for (const sub of subschemasOf(schema)) if (sub.inPlace) enter(sub.schema, [...path, ...sub.path]);
    open.delete(schema);
    done.add(schema);
  };
  for (const { schema, path } of allSubschemas(root)) enter(schema, path);
}

/** Whether a JSON Pointer can lead to a value that the schema describes. */
export function describes(root: JsonSchema, pointer: readonly string[]): boolean {
  let schemas: JsonSchema[] = [root];
  for (const token of pointer) {
    schemas = mergedSchemas(schemas, root).flatMap((schema) => stepInto(schema, token));
    if (schemas.length === 0) return false;
  }
  return true;
}

function stepInto(schema: SchemaObject, token: string): JsonSchema[] {
  const properties = schema.properties as Record<string, JsonSchema> | undefined;
  if (properties !== undefined && Object.hasOwn(properties, token)) return [properties[token]!];
  const prefix = Array.isArray(schema.prefixItems) ? (schema.prefixItems as JsonSchema[]) : [];
  const element = /^\d+$/.test(token) ? (prefix[Number(token)] ?? schema.items) : undefined;
  return [element, schema.additionalProperties].filter(
    (sub): sub is JsonSchema => isSchema(sub) && sub !== false,
  );
}
