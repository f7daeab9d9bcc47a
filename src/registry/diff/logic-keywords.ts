import { isSchema, type JsonSchema, schemaElements } from "../../envelope/schema-merge.js";
import { Conjunction } from "./conjunction.js";
import type { Demand, Keyword } from "./keywords.js";
import { undecided } from "./place.js";
import { sameKeyword } from "./same.js";
import type { Finding } from "./types.js";

/** One alternative takes all. What only several take together is left to the cases of the given side. */
function anyOf({ containment, place, keyword, value }: Demand<readonly JsonSchema[]>): Finding[] {
  const alternatives = schemaElements(value);
  const attempts = alternatives.map((demanded) => containment.findings({ ...place, demanded }));
  if (attempts.some((findings) => findings.length === 0)) return [];
  if (attempts.length === 1) return attempts[0]!;
  return [{ path: place.path, keyword, given: undefined, demanded: alternatives.length }];
}

/** One alternative takes all, and every other one takes nothing of it. */
function oneOf(demand: Demand<readonly JsonSchema[]>): Finding[] {
  const { containment, place, keyword, value } = demand;
  const alternatives = schemaElements(value);
  if (alternatives.length === 1) return anyOf(demand);
  const fits = alternatives.some(
    (chosen, index) =>
      containment.holds(place.given, chosen, place.root) &&
      alternatives.every(
        (other, at) =>
          at === index || containment.disjoint(place.given, new Conjunction([other], place.root)),
      ),
  );
  return fits ? [] : [{ path: place.path, keyword, given: undefined, demanded: alternatives.length }];
}

function not({ containment, place, keyword, value }: Demand<JsonSchema>): Finding[] {
  if (containment.disjoint(place.given, new Conjunction([value], place.root))) return [];
  return [undecided(place, keyword)];
}

/** A condition is recognised with its branches, or both branches hold whatever it says. */
function condition({ containment, place, schema }: Demand): Finding[] {
  const known = place.given.schemas.some((own) =>
    ["if", "then", "else"].every((keyword) =>
      sameKeyword(keyword, own[keyword], place.given.root, schema[keyword], place.root),
    ),
  );
  if (known) return [];
  const branches = [schema.then, schema.else].filter(isSchema);
  const hold = branches.every((branch) => containment.holds(place.given, branch, place.root));
  return hold ? [] : [undecided(place, "if")];
}

/** `$ref` and `allOf` are taken apart before: Conjunction follows them. */
const followed = { check: () => [] };

export const logicKeywords: Readonly<Record<string, Keyword>> = {
  anyOf: { check: anyOf },
  oneOf: { check: oneOf },
  not: { check: not },
  if: { check: condition },
  $ref: followed,
  allOf: followed,
};
