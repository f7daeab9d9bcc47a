/** Which old or new programs a change of a schema leaves alone (the names are Confluent Schema Registry's). */
export type CompatibilityClass = "FULL" | "BACKWARD" | "FORWARD" | "BREAKING";

/** One difference between two versions of a payload schema. */
export interface Change {
  /** JSON Pointer into the payload; `*` stands for any element of a list, or any member that no name describes. */
  readonly path: string;
  /** The difference in words, as a predicate of the place: `becomes required`. */
  readonly what: string;
  /** `backward`: the newer schema may refuse what the older one took; `forward`: the other way round. */
  readonly breaks: "backward" | "forward" | "both" | "none";
  /**
   * True when only a payload breaks that already carried a member no schema described, and then by chance: what
   * Confluent's `compatibilityPolicy: lenient` lets pass.
   */
  readonly lenient?: true;
}

/** What lies between two versions of a payload schema. */
export interface SchemaChange {
  /**
   * BACKWARD: the newer schema takes every payload that the older one takes. FORWARD: the older schema takes every
   * payload that the newer one takes. FULL: both. BREAKING: neither, or it cannot be told (`changes` says so).
   */
  readonly class: CompatibilityClass;
  readonly changes: readonly Change[];
}

/** One demand of a schema that another schema does not make good. */
export interface Finding {
  /** Reference tokens into the payload. */
  readonly path: readonly string[];
  /** The JSON Schema keyword that demands it. */
  readonly keyword: string;
  /** What the schema that is compared says for the keyword, and what the other one demands. */
  readonly given: unknown;
  readonly demanded: unknown;
  readonly lenient?: true;
  /** Neither shown to hold nor to fail. */
  readonly undecided?: true;
}
