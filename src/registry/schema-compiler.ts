import type { ErrorObject, ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import ajvFormats from "ajv-formats";
import { isMultipleOf } from "../envelope/multiple-of.js";
import { filledDefaults } from "../envelope/plan.js";
import { pointerPath } from "../envelope/schema-merge.js";
import { SchemaProblem, shown } from "./problems.js";
import { bundleSchema } from "./schema-bundle.js";
import type { SchemaFiles } from "./schema-files.js";
import { allSubschemas, keywords, pointerOf } from "./subschemas.js";
import { didYouMean } from "./suggest.js";
import type { SchemaViolation, TopicSchema } from "./types.js";

/** All violations are listed for payloads up to this many values; for greater ones the first, to stay linear. */
const maxListedValues = 2_000;
const maxViolations = 100;
const none: readonly SchemaViolation[] = [];

// Kept for the process: each new Ajv compiles the meta-schemas anew, which takes longer than all else. Schemas are
// taken out of them again, so that a reload is not answered with what an earlier one compiled.
const firstOnly = newAjv(false);
const listing = newAjv(true);

/** Bundles and compiles payload schemas; one for each reading of a registry. */
export class SchemaCompiler {
  constructor(private readonly files: SchemaFiles) {}

  /** @throws SchemaProblem naming the file when the schema cannot be used. */
  compile(file: string): TopicSchema {
    const schema = bundleSchema(file, this.files);
    const validate = this.validator(schema, file);
    let list: ValidateFunction | undefined; // compiled when first needed
    return {
      schema,
      validate: (payload) => {
        if (validate(payload)) return none;
        if (!isSmall(payload)) return violations(validate.errors);
        list ??= compileListing(schema);
        list(payload);
        return violations(list.errors);
      },
    };
  }

  private validator(schema: Record<string, unknown>, file: string): ValidateFunction {
    this.checkSchema(schema, file);
    try {
      const validate = firstOnly.addSchema(schema, file).getSchema(file)!;
      this.checkDefaults(schema, file);
      return validate;
    } catch (error) {
      if (error instanceof SchemaProblem) throw error;
      throw this.unusable(error as Error, schema, file);
    } finally {
      firstOnly.removeSchema(file);
    }
  }

  /** Checks the schema by the meta-schema of its dialect. */
  private checkSchema(schema: Record<string, unknown>, file: string): void {
    if (firstOnly.validateSchema(schema)) return;
    const { instancePath, message, params } = firstOnly.errors![0]!;
    const allowed = params.allowedValues === undefined ? "" : `: ${JSON.stringify(params.allowedValues)}`;
    const tell = (pointer: string) =>
      `is no JSON Schema that can be used: ${pointer} ${message}${allowed}; correct it`;
    throw this.files.problem(file, pointerPath(instancePath) ?? [], tell);
  }

  /** What ajv's strict mode, a format or a pattern says, with the place as far as its message tells it. */
  private unusable({ message }: Error, schema: Record<string, unknown>, file: string): SchemaProblem {
    const keyword = /unknown keyword: "(.*)"$/.exec(message)?.[1];
    const pattern = /Invalid regular expression: \/(.*)\/u: /.exec(message)?.[1];
    const pointer = /at (?:path )?"#(.*?)"/.exec(message)?.[1];
    const path =
      keyword === undefined
        ? (pattern && pathOfMember(schema, "pattern", pattern)) || pointerPath(decoded(pointer))
        : pathOfMember(schema, keyword);
    const remedy = keyword === undefined ? "" : didYouMean(keyword, keywords);
    const text = `is no JSON Schema that can be used: ${message}${remedy}; correct it`;
    return path === undefined ? new SchemaProblem(file, text) : this.files.problem(file, path, () => text);
  }

  private checkDefaults(root: Record<string, unknown>, file: string): void {
    const filled = filledDefaults(root);
    for (const { schema, path } of allSubschemas(root)) {
      if (typeof schema === "boolean" || !Object.hasOwn(schema, "default")) continue;
      if (filled.has(schema)) this.checkDefault(schema.default, path, file);
      else if (path[0] !== "$defs") {
        const tell = (pointer: string) =>
          `the default at ${pointer} would never be filled in; move it to a property outside of alternatives, or remove it`;
        throw this.files.problem(file, path, tell, "default");
      }
    }
  }

  private checkDefault(value: unknown, path: readonly string[], file: string): void {
    const fragment = pointerOf(path).split("/").map(encodeURIComponent).join("/");
    const key = `${file}#${fragment}`;
    const validate = firstOnly.getSchema(key)!;
    firstOnly.removeSchema(key);
    if (validate(value)) return;
    const reason = violations(validate.errors)[0]?.message;
    const tell = (pointer: string) =>
      `the default ${shown(value)} at ${pointer} does not fit its own schema: it ${reason}; correct it`;
    throw this.files.problem(file, path, tell, "default");
  }
}

/** The first schema that has a member, with a given value if there is one. */
function pathOfMember(root: Record<string, unknown>, name: string, value?: string): string[] | undefined {
  const found = allSubschemas(root).find(
    ({ schema }) =>
      typeof schema !== "boolean" && Object.hasOwn(schema, name) && schema[name] === (value ?? schema[name]),
  );
  return found && [...found.path, name];
}

/** A URI fragment without its percent-encoding; one that is encoded wrongly names the whole. */
function decoded(fragment: string | undefined): string {
  try {
    return decodeURIComponent(fragment ?? "");
  } catch {
    return "";
  }
}

function compileListing(schema: object): ValidateFunction {
  const validate = listing.compile(schema);
  listing.removeSchema(schema);
  return validate;
}

function newAjv(allErrors: boolean): Ajv2020 {
  const ajv = new Ajv2020({
    strict: true,
    strictRequired: false, // a required name may be described by another branch
    strictTuples: false, // a list may go on after its prefixItems
    allowUnionTypes: true,
    ownProperties: true, // "constructor" and "__proto__" are names like others
    allErrors,
  });
  ajvFormats.default(ajv);
  ajv.removeKeyword("multipleOf"); // ajv's own divides binary fractions and refuses 19.99 for 0.01
  ajv.addKeyword({
    keyword: "multipleOf",
    type: "number",
    schemaType: "number",
    metaSchema: { type: "number", exclusiveMinimum: 0 },
    error: { message: ({ schema }) => `must be multiple of ${schema}` },
    compile: (divisor: number) => (value: number) => isMultipleOf(value, divisor),
  });
  return ajv;
}

/** Counts without recursion, and stops as soon as it is clear. */
function isSmall(payload: unknown): boolean {
  const waiting: unknown[] = [payload];
  for (let counted = 0; waiting.length > 0; counted++) {
    if (counted + waiting.length > maxListedValues) return false;
    const value = waiting.pop();
    if (typeof value !== "object" || value === null) continue;
    const inner = Object.values(value);
    if (inner.length > maxListedValues) return false;
    waiting.push(...inner);
  }
  return true;
}

function violations(errors: readonly ErrorObject[] | null | undefined): SchemaViolation[] {
  return (errors ?? []).slice(0, maxViolations).map((error) => ({
    path: error.instancePath,
    message: `${error.message}${detailOf(error)}`,
  }));
}

/** What ajv's message leaves out; names and values of the schema, never of the payload but for a member's name. */
function detailOf({ keyword, params }: ErrorObject): string {
  if (keyword === "enum") return `: ${JSON.stringify(params.allowedValues)}`;
  if (keyword === "additionalProperties") return `: ${shown(params.additionalProperty)}`;
  if (keyword === "unevaluatedProperties") return `: ${shown(params.unevaluatedProperty)}`;
  return "";
}
