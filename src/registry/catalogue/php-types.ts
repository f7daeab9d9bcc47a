import {
  type Field,
  type ListShape,
  type ObjectShape,
  type Shape,
  unionOf,
  type ValuesShape,
} from "./shape.js";

/** What a parameter of a constructor declares. */
export interface PhpType {
  /** `int`, `?string`, `string|int|null`, the short name of a class, `mixed`. */
  readonly declared: string;
  /** Argument of #[ListOf] when the elements of an array have a type. */
  readonly listOf?: string;
  /** Whether null is taken. */
  readonly nullable: boolean;
}

/** Gives the classes and enums that types refer to their names. */
export interface PhpNames {
  classOf(objects: readonly ObjectShape[]): string;
  /** Undefined when no enum can have these values. */
  enumOf(values: ValuesShape): string | undefined;
}

/** Reference of a class in generated code that needs an import. */
export const dateClass = "CarbonImmutable";

/** The types that hms-sync/laravel can build of JSON: one class, or a union of scalars and array. */
export class PhpTypes {
  constructor(private readonly names: PhpNames) {}

  of(shape: Shape): PhpType {
    const parts = shape.kind === "union" ? shape.of : [shape];
    const nullable = parts.some(takesNull);
    const types = this.named(parts.filter(({ kind }) => kind !== "null"));
    if (types === undefined || types.length === 0) return { declared: "mixed", nullable: true };
    if (types.length > 1) return { declared: [...types, ...(nullable ? ["null"] : [])].join("|"), nullable };
    const listOf = parts.length === (nullable ? 2 : 1) ? this.elementOf(parts) : undefined;
    return {
      declared: `${nullable ? "?" : ""}${types[0]}`,
      nullable,
      ...(listOf === undefined ? {} : { listOf }),
    };
  }

  /** Names without null; undefined when only mixed is wide enough. */
  private named(parts: readonly Shape[]): string[] | undefined {
    const objects = parts.flatMap((part) => (part.kind === "object" ? [part.object] : []));
    if (objects.length > 0 && objects.length === parts.length) return [this.names.classOf(objects)];
    const [only] = parts;
    if (parts.length === 1 && only !== undefined) {
      const name = this.classLike(only);
      if (name !== undefined) return [name];
    }
    const scalars = parts.map(scalarsOf);
    return scalars.includes(undefined) ? undefined : [...new Set(scalars.flatMap((names) => names!))];
  }

  private classLike(shape: Shape): string | undefined {
    if (shape.kind === "values") return this.names.enumOf(shape);
    return shape.kind === "string" && shape.format === "date-time" ? dateClass : undefined;
  }

  /** Of a list whose elements have one type that #[ListOf] takes. */
  private elementOf(parts: readonly Shape[]): string | undefined {
    const list = parts.find((part): part is ListShape => part.kind === "list");
    if (list === undefined) return undefined;
    const { declared, nullable } = this.of(unionOf([...list.first, list.rest]));
    if (nullable || declared.includes("|") || declared === "array") return undefined;
    return /^(int|float|string|bool)$/.test(declared) ? `'${declared}'` : `${declared}::class`;
  }
}

/** Objects of a union as one: a field is needed where all have it, and takes what any of them takes. */
export function widened(objects: readonly ObjectShape[]): Field[] {
  const names = new Set(objects.flatMap(({ fields }) => fields.map(({ name }) => name)));
  return [...names].map((name) => {
    const found = objects.flatMap(({ fields }) => fields.filter((field) => field.name === name));
    return {
      name,
      required: found.length === objects.length && found.every(({ required }) => required),
      shape: unionOf(found.map(({ shape }) => shape)),
      about: found[0]!.about,
    };
  });
}

function takesNull(shape: Shape): boolean {
  return shape.kind === "null" || (shape.kind === "values" && shape.values.includes(null));
}

/** Builtin types that hold every value of a shape but null; undefined for those that only mixed holds. */
function scalarsOf(shape: Shape): string[] | undefined {
  switch (shape.kind) {
    case "boolean":
      return ["bool"];
    case "number":
      return [shape.integer ? "int" : "float"];
    case "string":
      return ["string"];
    case "list":
    case "map":
    case "object":
      return ["array"];
    case "values":
      return [...new Set(shape.values.filter((value) => value !== null).map(builtinOf))];
    default:
      return undefined;
  }
}

function builtinOf(value: unknown): string {
  if (typeof value === "object") return "array";
  if (typeof value === "number") return Number.isSafeInteger(value) ? "int" : "float";
  return typeof value === "boolean" ? "bool" : "string";
}
