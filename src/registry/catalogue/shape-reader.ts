import {
  type JsonSchema,
  resolveLocalRef,
  schemaElements,
  schemaMembers,
} from "../../envelope/schema-merge.js";
import { type Annotations, annotationsOf } from "./annotations.js";
import { pascalCase, UniqueNames } from "./names.js";
import { type Field, type ObjectShape, type Shape, unionOf } from "./shape.js";
import { allowedValues, typeOfValue, typesOf } from "./value-types.js";

type SchemaObject = Readonly<Record<string, unknown>>;

/** A schema as shapes. */
export interface SchemaShapes {
  readonly root: Shape;
  /** Every object in it, the outermost first. */
  readonly objects: readonly ObjectShape[];
}

/** Beyond these a shape is `any`: schemas can say more than a type can hold. */
const maxReadings = 10_000;
const maxDepth = 100;
/** Of more combinations of alternatives the later ones are not told apart. */
const maxCombinations = 32;

/** The shapes of a bundled JSON Schema 2020-12; `name` is that of the outermost object. */
export function readShapes(schema: JsonSchema, name: string): SchemaShapes {
  return new ShapeReader(schema, name).run();
}

/** Where a shape is read: the name an object there gets, and how deep it is inside an object's member. */
interface Place {
  readonly name: string;
  readonly depth: number;
  /** Of how many combinations of alternatives this is one. */
  readonly combinations: number;
}

interface OpenObject extends ObjectShape {
  readonly fields: Field[];
}

class ShapeReader {
  private readonly numbers = new Map<object, number>();
  private readonly names = new UniqueNames();
  private readonly objects = new Map<string, OpenObject>();
  /** Objects whose members are still to be read: schemas may nest further than calls can. */
  private readonly waiting: (() => void)[] = [];
  private readings = 0;

  constructor(
    private readonly schema: JsonSchema,
    private readonly name: string,
  ) {}

  run(): SchemaShapes {
    const root = this.read([this.schema], { name: this.name, depth: 0, combinations: 1 });
    for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) next();
    return { root, objects: [...this.objects.values()] };
  }

  /** The shape of what all of `schemas` take. */
  private read(schemas: readonly JsonSchema[], { name, depth, combinations }: Place): Shape {
    if (++this.readings > maxReadings || depth > maxDepth) return { kind: "any" };
    const place = { name: this.nameOf(schemas) ?? name, depth: depth + 1, combinations };
    return this.choose(this.together(schemas), new Set(), place);
  }

  /** Takes the alternatives of `anyOf` and `oneOf` one by one. */
  private choose(
    schemas: readonly SchemaObject[] | undefined,
    chosen: ReadonlySet<unknown>,
    place: Place,
  ): Shape {
    if (schemas === undefined) return { kind: "never" };
    const choice = schemas.flatMap(({ anyOf, oneOf }) => [anyOf, oneOf]).find((one) => isOpen(one, chosen));
    const alternatives = schemaElements(choice);
    const combinations = place.combinations * alternatives.length;
    const many = place.combinations > 1 && combinations > maxCombinations;
    if (alternatives.length === 0 || many) return this.plain(schemas, place);
    const several = alternatives.filter((schema) => !isNull(schema)).length > 1;
    return unionOf(
      alternatives.map((schema, index) => {
        const name = several ? (this.nameOf([schema]) ?? `${place.name}Option${index + 1}`) : place.name;
        return this.choose(this.together([...schemas, schema]), new Set([...chosen, choice]), {
          ...{ ...place, combinations },
          name: several ? name : (this.nameOf([schema]) ?? name),
        });
      }),
    );
  }

  private plain(schemas: readonly SchemaObject[], place: Place): Shape {
    const types = typesOf(schemas);
    const values = allowedValues(schemas);
    if (values !== undefined) {
      const fitting = values.filter((value) => types === undefined || typeOfValue(value, types));
      return fitting.length === 0 ? { kind: "never" } : { kind: "values", name: place.name, values: fitting };
    }
    return types === undefined
      ? { kind: "any" }
      : unionOf(types.map((type) => this.ofType(type, schemas, place)));
  }

  private ofType(type: string, schemas: readonly SchemaObject[], place: Place): Shape {
    if (type === "object") return this.object(schemas, place);
    if (type === "array") return this.list(schemas, place);
    if (type === "integer" || type === "number") return { kind: "number", integer: type === "integer" };
    if (type === "null" || type === "boolean") return { kind: type };
    const format = schemas.find((schema) => typeof schema.format === "string")?.format;
    return format === undefined ? { kind: "string" } : { kind: "string", format: String(format) };
  }

  private list(schemas: readonly SchemaObject[], place: Place): Shape {
    const name = `${place.name}Item`;
    const prefixes = schemas.map(({ prefixItems }) => schemaElements(prefixItems));
    const element = (index: number) =>
      schemas.flatMap((schema, at) => prefixes[at]![index] ?? ("items" in schema ? [schema.items] : []));
    const length = Math.max(...prefixes.map((prefix) => prefix.length));
    const read = (index: number) =>
      this.read(element(index) as JsonSchema[], {
        ...place,
        name: index < length ? `${name}${index + 1}` : name,
      });
    return {
      kind: "list",
      first: Array.from({ length }, (_, index) => read(index)),
      least: Math.max(0, ...schemas.map(({ minItems }) => Number(minItems ?? 0))),
      rest: read(length),
    };
  }

  private object(schemas: readonly SchemaObject[], place: Place): Shape {
    const required = new Set(schemas.flatMap(({ required: names }) => (Array.isArray(names) ? names : [])));
    const members = new Map<string, JsonSchema[]>();
    for (const [name, schema] of schemas.flatMap(({ properties }) => schemaMembers(properties))) {
      members.set(name, [...(members.get(name) ?? []), schema]);
    }
    for (const name of required) if (!members.has(name)) members.set(name, []);
    if (members.size === 0) return this.map(schemas, place);
    const judging = judges(schemas);
    const key = judging
      .map((schema) => this.numberOf(schema))
      .toSorted((a, b) => a - b)
      .join();
    const known = this.objects.get(key);
    if (known !== undefined) return { kind: "object", object: known };
    const object: OpenObject = {
      name: this.names.claim(place.name),
      about: annotationsOf(judging),
      fields: [],
    };
    this.objects.set(key, object);
    this.waiting.push(() => {
      for (const [name, member] of members)
        object.fields.push(this.field(name, required.has(name), member, object));
    });
    return { kind: "object", object };
  }

  private field(name: string, required: boolean, schemas: JsonSchema[], { name: owner }: ObjectShape): Field {
    const place = { name: `${owner}${pascalCase(name) || "Member"}`, depth: 0, combinations: 1 };
    return { name, required, shape: this.read(schemas, place), about: this.about(schemas) };
  }

  private map(schemas: readonly SchemaObject[], place: Place): Shape {
    const open = schemas.some((schema) => schemaMembers(schema.patternProperties).length > 0);
    const others = schemas.flatMap(({ additionalProperties: other }) => (other === undefined ? [] : [other]));
    if (open) return { kind: "map", values: { kind: "any" } };
    return {
      kind: "map",
      values: this.read(others as JsonSchema[], { ...place, name: `${place.name}Member` }),
    };
  }

  /** What `$ref` and `allOf` bring together; undefined when that takes nothing. */
  private together(schemas: readonly JsonSchema[]): SchemaObject[] | undefined {
    const found = new Set<SchemaObject>();
    const waiting = [...schemas];
    for (let schema = waiting.shift(); schema !== undefined; schema = waiting.shift()) {
      if (schema === false) return undefined;
      if (schema === true || found.has(schema)) continue;
      found.add(schema);
      const target = typeof schema.$ref === "string" ? resolveLocalRef(this.schema, schema.$ref) : undefined;
      waiting.unshift(...(target === undefined ? [] : [target]), ...schemaElements(schema.allOf));
    }
    return [...found];
  }

  private about(schemas: readonly JsonSchema[]): Annotations {
    return annotationsOf(this.together(schemas) ?? []);
  }

  /** The name that a `$ref` gives: that of the definition, or of the file without its ending. */
  private nameOf(schemas: readonly JsonSchema[]): string | undefined {
    const ref = schemas.flatMap((schema) => (typeof schema === "object" ? [schema.$ref] : [])).find(Boolean);
    if (typeof ref !== "string") return undefined;
    if (ref === "#") return this.name;
    const token = decodeURIComponent(ref.slice(ref.lastIndexOf("/") + 1)).replaceAll("~1", "/");
    return `${this.name}${pascalCase(token.replace(/^.*\//, "").replace(/\.json$/, ""))}`;
  }

  private numberOf(schema: SchemaObject): number {
    const number = this.numbers.get(schema) ?? this.numbers.size;
    this.numbers.set(schema, number);
    return number;
  }
}

/** Keywords that lead elsewhere or say something to people: an object is not another one for them. */
const silent = new Set([
  ...["$ref", "allOf", "$defs", "definitions", "type"],
  ...["title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "$comment"],
]);

function judges(schemas: readonly SchemaObject[]): readonly SchemaObject[] {
  const judging = schemas.filter((schema) => Object.keys(schema).some((keyword) => !silent.has(keyword)));
  return judging.length > 0 ? judging : schemas;
}

function isOpen(choice: unknown, chosen: ReadonlySet<unknown>): boolean {
  return schemaElements(choice).length > 0 && !chosen.has(choice);
}

function isNull(schema: JsonSchema): boolean {
  return typeof schema === "object" && (schema.type === "null" || schema.const === null);
}
