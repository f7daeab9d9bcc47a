import { type JsonSchema, schemaElements } from "../../envelope/schema-merge.js";
import { Conjunction } from "./conjunction.js";
import type { Demand, Keyword } from "./keywords.js";
import { undecided } from "./place.js";
import { sameKeyword } from "./same.js";
import { atLeast, atMost, finding } from "./scalar-keywords.js";
import type { Finding } from "./types.js";

function prefixItems(demand: Demand<readonly JsonSchema[]>): Finding[] {
  return schemaElements(demand.value).flatMap((schema, index) => element(demand, index, schema));
}

function element({ containment, place }: Demand, index: number, demanded: JsonSchema): Finding[] {
  const most = place.given.smallest("maxItems");
  if (most !== undefined && most <= index) return [];
  const path = [...place.path, String(index)];
  return containment.findings({ ...place, given: place.given.element(index), demanded, path });
}

/** Every element behind the demanded prefix. */
function items(demand: Demand<JsonSchema>): Finding[] {
  const { containment, place, schema, value } = demand;
  const first = schemaElements(schema.prefixItems).length;
  const prefix = place.given.prefixLength();
  const own = Array.from({ length: Math.max(0, prefix - first) }, (_, i) =>
    element(demand, first + i, value),
  );
  const most = place.given.smallest("maxItems");
  if (most !== undefined && most <= Math.max(first, prefix)) return own.flat();
  const given = new Conjunction(place.given.all("items") as JsonSchema[], place.given.root);
  return [
    ...own.flat(),
    ...containment.findings({ ...place, given, demanded: value, path: [...place.path, "*"] }),
  ];
}

function uniqueItems(demand: Demand<boolean>): Finding[] {
  const { place, value } = demand;
  const most = place.given.smallest("maxItems") ?? 2;
  return value === false || most <= 1 ? [] : finding(demand, false);
}

/** `contains` with its bounds is recognised, not compared. */
function contains(demand: Demand): Finding[] {
  const { place, schema } = demand;
  const known = place.given.schemas.some((own) =>
    ["contains", "minContains", "maxContains"].every((keyword) =>
      sameKeyword(keyword, own[keyword], place.given.root, schema[keyword], place.root),
    ),
  );
  return known || (schema.minContains === 0 && schema.maxContains === undefined)
    ? []
    : [undecided(place, "contains")];
}

const types = ["array"] as const;
const besideContains = { types, check: () => [] };

export const arrayKeywords: Readonly<Record<string, Keyword>> = {
  prefixItems: { types, check: prefixItems },
  items: { types, check: items },
  minItems: { types, check: atLeast },
  maxItems: { types, check: atMost },
  uniqueItems: { types, check: uniqueItems },
  contains: { types, check: contains },
  minContains: besideContains,
  maxContains: besideContains,
};
