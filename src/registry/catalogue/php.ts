import type { Registry } from "../types.js";
import { docComment } from "./doc-comment.js";
import { type GeneratedFile, generatedMark } from "./generated.js";
import { pascalCase, UniqueNames } from "./names.js";
import { dateClass, type PhpNames, type PhpType, PhpTypes, widened } from "./php-types.js";
import { type SelectedTopic, type SelectedVersion, selectTopics } from "./select.js";
import type { Field, ObjectShape, Shape, ValuesShape } from "./shape.js";

export interface PhpCode {
  /** One class or enum a file, as PSR-4 wants it. */
  readonly files: readonly GeneratedFile[];
  /** The lines of config/hms-sync.php that let the events be built: the newest version of each topic. */
  readonly inbound: string;
}

/**
 * Readonly classes (PHP 8.2) that hms-sync/laravel builds of payloads by the names of their members. With `consumer` the
 * topics and versions it gets.
 */
export function phpOf(registry: Registry, namespace: string, consumer?: string): PhpCode {
  const selected = selectTopics(registry, consumer);
  const writer = new PhpWriter(namespace, selected);
  const lines = selected.map(({ topic, versions }) => {
    for (const version of versions) {
      writer.payload(version, `Payload of ${topic.name}, version ${version.version}.`);
    }
    return `    '${topic.name}' => \\${namespace}\\${versions.at(-1)!.name}::class,\n`;
  });
  return { files: writer.files(), inbound: `'inbound' => [\n${lines.join("")}],` };
}

class PhpWriter implements PhpNames {
  private readonly names = new UniqueNames();
  private readonly types = new PhpTypes(this);
  private readonly classes = new Map<string, string>();
  private readonly enums = new Map<string, string>();
  private readonly numbers = new Map<ObjectShape, number>();
  private readonly made: GeneratedFile[] = [];
  /** Classes whose parameters are still to be written: schemas may nest further than calls can. */
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly namespace: string,
    selected: readonly SelectedTopic[],
  ) {
    for (const { name } of selected.flatMap(({ versions }) => versions)) this.names.claim(name);
  }

  /** Writes the classes of one version. */
  payload({ name, shapes: { root } }: SelectedVersion, about: string): void {
    const objects = objectsOf(root);
    if (objects === undefined) {
      this.add(name, selfBuilt(name, about), [
        "HmsSync\\Inbound\\Envelope",
        "HmsSync\\Inbound\\FromEnvelope",
      ]);
    } else {
      this.classes.set(this.keyOf(objects), name);
      this.writeClass(name, objects, about);
    }
    for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) next();
  }

  files(): GeneratedFile[] {
    return this.made.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  }

  classOf(objects: readonly ObjectShape[]): string {
    const key = this.keyOf(objects);
    const known = this.classes.get(key);
    if (known !== undefined) return known;
    const name = this.names.claim(objects.length === 1 ? objects[0]!.name : commonName(objects));
    this.classes.set(key, name);
    this.waiting.push(() => this.writeClass(name, objects));
    return name;
  }

  enumOf({ name: wanted, values: all }: ValuesShape): string | undefined {
    const values = [...new Set(all)].filter((value) => value !== null);
    const backing = backingOf(values);
    if (backing === undefined) return undefined;
    const key = JSON.stringify([wanted, values]);
    const known = this.enums.get(key);
    if (known !== undefined) return known;
    const name = this.names.claim(wanted.replaceAll(/Option\d+(?=[A-Z_]|$)/g, "")); // alternatives are one class
    this.enums.set(key, name);
    const cases = new UniqueNames();
    const lines = values.map((value) => `    case ${cases.claim(caseName(value))} = ${phpLiteral(value)};\n`);
    this.add(name, `enum ${name}: ${backing}\n{\n${lines.join("")}}\n`, []);
    return name;
  }

  private writeClass(name: string, objects: readonly ObjectShape[], about?: string): void {
    const fields = widened(objects);
    const taken = fields.filter((field) => isParameter(field.name));
    const left = fields
      .filter((field) => !isParameter(field.name))
      .map((field) => JSON.stringify(field.name));
    const { description } = objects[0]!.about;
    const texts = [
      ...(objects.length > 1 || description === undefined ? [] : [description]),
      ...(about === undefined ? [] : [about]),
      ...(left.length === 0 ? [] : [`Without ${left.join(", ")}: PHP has no parameters of such names.`]),
    ];
    const parameters = taken.map((field) => ({ field, type: this.types.of(field.shape) }));
    const body = constructorOf(parameters);
    const uses = [
      ...(parameters.some(({ type }) => usesDate(type)) ? ["Carbon\\CarbonImmutable"] : []),
      ...(parameters.some(({ type }) => type.listOf) ? ["HmsSync\\Inbound\\ListOf"] : []),
    ];
    this.add(name, `${docComment(texts)}final readonly class ${name}\n{\n${body}}\n`, uses);
  }

  private add(name: string, code: string, uses: readonly string[]): void {
    const imports = uses.map((used) => `use ${used};\n`).join("");
    const head = `<?php\n\n// ${generatedMark} types; do not edit: run it again.\n\nnamespace ${this.namespace};\n\n`;
    this.made.push({ path: `${name}.php`, text: `${head}${imports}${imports && "\n"}${code}` });
  }

  private keyOf(objects: readonly ObjectShape[]): string {
    return objects.map((object) => this.numberOf(object)).join();
  }

  private numberOf(object: ObjectShape): number {
    const number = this.numbers.get(object) ?? this.numbers.size;
    this.numbers.set(object, number);
    return number;
  }
}

interface Parameter {
  readonly field: Field;
  readonly type: PhpType;
}

/** Required parameters first, as PHP wants them. */
function constructorOf(parameters: readonly Parameter[]): string {
  if (parameters.length === 0) return "";
  const ordered = [
    ...parameters.filter(({ field }) => field.required),
    ...parameters.filter(({ field }) => !field.required),
  ];
  return `    public function __construct(\n${ordered.map(parameterText).join("")}    ) {}\n`;
}

function parameterText({ field, type }: Parameter): string {
  const { description, limits, deprecated } = field.about;
  const texts = [
    ...(description === undefined ? [] : [description]),
    ...(limits.length === 0 ? [] : [`(${limits.join("; ")})`]),
    ...(deprecated ? ["Deprecated."] : []),
  ];
  const attribute = type.listOf === undefined ? "" : `        #[ListOf(${type.listOf})]\n`;
  const declared = field.required ? type.declared : orNull(type);
  return `${docComment(texts, "        ")}${attribute}        public ${declared} $${field.name}${field.required ? "" : " = null"},\n`;
}

function orNull({ declared, nullable }: PhpType): string {
  if (nullable) return declared;
  return declared.includes("|") ? `${declared}|null` : `?${declared}`;
}

function usesDate({ declared, listOf }: PhpType): boolean {
  return declared.replace("?", "") === dateClass || listOf === `${dateClass}::class`;
}

/** A class for payloads without known members. */
function selfBuilt(name: string, about: string): string {
  return `${docComment([about])}final readonly class ${name} implements FromEnvelope
{
    /**
     * @param  array<array-key, mixed>  $payload
     */
    public function __construct(public array $payload) {}

    public static function fromEnvelope(Envelope $envelope): static
    {
        return new self($envelope->payload);
    }
}
`;
}

/** The objects that a payload may be; undefined when it may be one without known members. */
function objectsOf(root: Shape): readonly ObjectShape[] | undefined {
  const parts = root.kind === "union" ? root.of : [root];
  const objects = parts.flatMap((part) => (part.kind === "object" ? [part.object] : []));
  return objects.length === parts.length && objects.length > 0 ? objects : undefined;
}

function commonName(objects: readonly ObjectShape[]): string {
  return objects[0]!.name.replace(/Option\d+(_\d+)?$/, "");
}

function isParameter(name: string): boolean {
  return /^[A-Za-z_]\w*$/.test(name) && name !== "this";
}

function backingOf(values: readonly unknown[]): "string" | "int" | undefined {
  if (values.length === 0) return undefined;
  if (values.every((value) => typeof value === "string")) return "string";
  return values.every((value) => Number.isSafeInteger(value)) ? "int" : undefined;
}

function caseName(value: unknown): string {
  const text = String(value).replace(/^-/, "Minus ");
  const name = pascalCase(text) || "Value";
  return /^\d/.test(name) ? `Value${name}` : name.toLowerCase() === "class" ? "Class_" : name;
}

/** A literal of PHP without interpolation. */
function phpLiteral(value: unknown): string {
  if (typeof value !== "string") return String(value);
  return `'${value.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
