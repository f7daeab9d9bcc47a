import type { Registry } from "../types.js";
import type { Annotations } from "./annotations.js";
import { docComment } from "./doc-comment.js";
import { generatedMark } from "./generated.js";
import { UniqueNames } from "./names.js";
import { type SelectedTopic, selectTopics } from "./select.js";
import type { Field, ListShape, ObjectShape, Shape } from "./shape.js";

/**
 * A TypeScript module: a type for the payload of each topic and version, and an augmentation of @hms-sync/client by
 * which `bus.subscribe(topic)` knows it. With `consumer` the topics and versions it gets; without, a topic's payload is
 * of any listed version.
 */
export function typescriptOf(registry: Registry, consumer?: string): string {
  const selected = selectTopics(registry, consumer);
  const writer = new TypeScriptWriter(selected);
  const declarations = selected.flatMap((topic) => writer.declarations(topic));
  const payloads = selected.map(
    ({ topic, versions }) =>
      `    readonly ${JSON.stringify(topic.name)}: ${versions.map(({ name }) => name).join(" | ")};`,
  );
  const augmentation = [
    'declare module "@hms-sync/client" {',
    "  interface TopicPayloads {",
    ...payloads,
    "  }",
    "}",
  ];
  const head = [
    `// ${generatedMark} types; do not edit: run it again.`,
    'import type {} from "@hms-sync/client";',
  ];
  return `${[...head, ...declarations, augmentation.join("\n")].map((part) => part.trimEnd()).join("\n\n")}\n`;
}

class TypeScriptWriter {
  private readonly names = new UniqueNames();
  private readonly nameOf = new Map<ObjectShape, string>();

  constructor(selected: readonly SelectedTopic[]) {
    for (const { name } of selected.flatMap(({ versions }) => versions)) this.names.claim(name);
  }

  declarations({ topic, versions }: SelectedTopic): string[] {
    return versions.flatMap(({ version, name, shapes: { root, objects } }) => {
      const about = `Payload of ${topic.name}, version ${version}.`;
      if (root.kind === "object") this.nameOf.set(root.object, name);
      for (const object of objects) {
        if (!this.nameOf.has(object)) this.nameOf.set(object, this.names.claim(object.name));
      }
      const interfaces = objects.map((object) =>
        this.interface(object, root.kind === "object" && root.object === object ? [about] : []),
      );
      if (root.kind === "object") return interfaces;
      return [`${docComment([about])}export type ${name} = ${this.payload(root)};`, ...interfaces];
    });
  }

  private interface(object: ObjectShape, about: readonly string[]): string {
    const members = object.fields.map((field) => this.member(field)).join("");
    const { description } = object.about;
    const comment = docComment([...(description === undefined ? [] : [description]), ...about]);
    return `${comment}export interface ${this.nameOf.get(object)} {\n${members}}`;
  }

  private member({ name, required, shape, about }: Field): string {
    const key = /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
    return `${docComment(commentOf(about, shape), "  ")}  readonly ${key}${required ? "" : "?"}: ${this.type(shape)};\n`;
  }

  /** A payload is an object, whatever else its schema says. */
  private payload(root: Shape): string {
    return root.kind === "any" ? "Readonly<Record<string, unknown>>" : this.type(root);
  }

  private type(shape: Shape): string {
    switch (shape.kind) {
      case "any":
        return "unknown";
      case "object":
        return this.nameOf.get(shape.object)!;
      case "values":
        return alternatives(shape.values.map(literal));
      case "map":
        return `Readonly<Record<string, ${this.type(shape.values)}>>`;
      case "list":
        return this.list(shape);
      case "union":
        return alternatives(shape.of.map((part) => this.type(part)));
      default:
        return shape.kind; // never, null, boolean, number and string are called so in TypeScript
    }
  }

  private list({ first, least, rest }: ListShape): string {
    const others = rest.kind === "never" ? undefined : this.type(rest);
    if (first.length === 0 && others !== undefined) return `readonly ${grouped(others)}[]`;
    const elements = first.map((shape, index) =>
      index < least ? this.type(shape) : `${grouped(this.type(shape))}?`,
    );
    return `readonly [${[...elements, ...(others === undefined ? [] : [`...${grouped(others)}[]`])].join(", ")}]`;
  }
}

function commentOf({ description, deprecated, defaults, limits }: Annotations, shape: Shape): string[] {
  const format = shape.kind === "string" && shape.format !== undefined ? [`format ${shape.format}`] : [];
  const told = [...format, ...limits, ...defaults.map((value) => `default ${JSON.stringify(value)}`)];
  return [
    ...(description === undefined ? [] : [description]),
    ...(told.length === 0 ? [] : [`(${told.join("; ")})`]),
    ...(deprecated ? ["@deprecated"] : []),
  ];
}

function literal(value: unknown): string {
  if (Array.isArray(value)) return "readonly unknown[]";
  return typeof value === "object" && value !== null
    ? "Readonly<Record<string, unknown>>"
    : JSON.stringify(value);
}

function alternatives(types: readonly string[]): string {
  return [...new Set(types)].join(" | ");
}

function grouped(type: string): string {
  return /^\w+$/.test(type) ? type : `(${type})`;
}
