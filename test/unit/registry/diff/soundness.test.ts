import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { breaking, classify } from "../../../../src/registry/diff/compatibility.js";
import { changed, payloads, schemas } from "./payloads.js";

/** The schema at a member of a payload, there or behind a `$ref`. */
function wrapped(schema: unknown, behind = false): object {
  const member = behind ? { $ref: "#/$defs/p" } : schema;
  return { type: "object", properties: { p: member }, ...(behind && { $defs: { p: schema } }) };
}

const pairs = schemas.chain((schema) =>
  fc.oneof(changed(schema), changed(schema).chain(changed), schemas).map((other) => [schema, other] as const),
);
const samples = fc.array(payloads, { minLength: 60, maxLength: 60 });

/** One for all schemas: each new one compiles the meta-schemas first. */
const ajv = new Ajv2020({ strict: false, validateSchema: false, ownProperties: true });

function validator(schema: object): ValidateFunction {
  const validate = ajv.compile(schema);
  ajv.removeSchema(schema);
  return validate;
}

/** A payload that `from` takes and `to` refuses. */
function contradiction(from: ValidateFunction, to: ValidateFunction, values: readonly unknown[]): unknown {
  return values.map((p) => ({ p })).find((payload) => from(payload) && !to(payload));
}

describe("of two schemas that go together", () => {
  test("none takes a payload that the other refuses", { timeout: 120_000 }, () => {
    let compatible = 0;
    fc.assert(
      fc.property(pairs, samples, fc.boolean(), ([older, newer], values, behind) => {
        const [old, now] = [wrapped(older), wrapped(newer, behind)];
        const change = classify(old, now);
        const [validOld, validNow] = [validator(old), validator(now)];
        if (breaking(change, "up", true).length === 0) {
          expect(contradiction(validOld, validNow, values)).toBeUndefined();
          compatible++;
        }
        if (breaking(change, "down", true).length === 0) {
          expect(contradiction(validNow, validOld, values)).toBeUndefined();
          compatible++;
        }
      }),
      { numRuns: 300 },
    );
    expect(compatible).toBeGreaterThan(100); // else nothing was tried
  });

  test("every schema goes together with itself", () => {
    fc.assert(
      fc.property(schemas, (schema) => {
        expect(classify(wrapped(schema), wrapped(structuredClone(schema)))).toEqual({
          class: "FULL",
          changes: [],
        });
      }),
    );
  });
});
