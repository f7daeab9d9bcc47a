import { isSchema, type JsonSchema, schemaMembers } from "../../envelope/schema-merge.js";
import { Conjunction, matches, type SchemaObject } from "./conjunction.js";
import type { Demand, Keyword } from "./keywords.js";
import { undecided } from "./place.js";
import { atLeast, atMost } from "./scalar-keywords.js";
import type { Finding } from "./types.js";

type Members = Readonly<Record<string, JsonSchema>>;

function properties(demand: Demand<Members>): Finding[] {
  return schemaMembers(demand.value).flatMap(([name, schema]) => member(demand, name, schema));
}

/** A member that the given side says something of, or nothing: then any value may stand there, by chance. */
function member({ containment, place, keyword }: Demand, name: string, demanded: JsonSchema): Finding[] {
  const given = place.given.member(name);
  const path = [...place.path, name];
  const findings = containment.findings({ ...place, given, demanded, path });
  if (findings.length === 0 || given.given.length > 0) return findings;
  if (demanded === false) return [{ path, keyword: "false", given: true, demanded }];
  return [{ path, keyword, given: undefined, demanded, lenient: true }];
}

/** Names that the keyword does not concern: they are described beside it. */
function isDescribed(schema: SchemaObject, name: string): boolean {
  if (Object.hasOwn((schema.properties ?? {}) as object, name)) return true;
  return schemaMembers(schema.patternProperties).some(([pattern]) => matches(pattern, name));
}

function additionalProperties(demand: Demand<JsonSchema>): Finding[] {
  const { containment, place, schema, value } = demand;
  if (value === true) return [];
  const others = [...place.given.names()].filter((name) => !isDescribed(schema, name));
  const named = others.flatMap((name) => {
    const given = place.given.member(name);
    const path = [...place.path, name];
    const findings = containment.findings({ ...place, given, demanded: value, path });
    return findings.map((found) =>
      found.keyword === "false"
        ? { ...found, keyword: "properties", given: given.given[0], demanded: false }
        : found,
    );
  });
  const patterns = new Set(schemaMembers(schema.patternProperties).map(([pattern]) => pattern));
  return [...named, ...rest(demand, (pattern) => !patterns.has(pattern))];
}

function patternProperties(demand: Demand<Members>): Finding[] {
  return schemaMembers(demand.value).flatMap(([pattern, schema]) => {
    const { given } = demand.place;
    const names = [...given.names()].filter((name) => matches(pattern, name));
    const named = names.flatMap((name) => member(demand, name, schema));
    const same = given.all("patternProperties").map((members) => (members as Members)[pattern]);
    const own = new Conjunction(same.filter(isSchema), given.root);
    if (own.given.length > 0) {
      const path = [...demand.place.path, "*"];
      return [
        ...named,
        ...demand.containment.findings({ ...demand.place, given: own, demanded: schema, path }),
      ];
    }
    return [...named, ...rest({ ...demand, value: schema }, () => true)];
  });
}

/**
 * Members that the given side names nowhere: each is described by the patterns and `additionalProperties` of every
 * schema that has them, so that one schema which promises enough is enough.
 */
function rest(demand: Demand<JsonSchema>, concerns: (pattern: string) => boolean): Finding[] {
  const { containment, place, value: demanded } = demand;
  const path = [...place.path, "*"];
  const attempts = place.given.schemas.map((schema) => {
    const patterns = schemaMembers(schema.patternProperties).filter(([pattern]) => concerns(pattern));
    const others = (schema.additionalProperties ?? true) as JsonSchema;
    return [others, ...patterns.map(([, sub]) => sub)].flatMap((sub) => {
      const given = new Conjunction([sub], place.given.root);
      return containment.findings({ ...place, given, demanded, path });
    });
  });
  if (attempts.some((findings) => findings.length === 0)) return [];
  const described = place.given.schemas.findIndex((schema) => isSchema(schema.additionalProperties));
  if (described >= 0 && place.given.schemas[described]!.additionalProperties !== true) {
    return attempts[described]!;
  }
  return [{ path, keyword: "additionalProperties", given: true, demanded, ...lenientIfDescribed(demanded) }];
}

function lenientIfDescribed(demanded: JsonSchema): { lenient: true } | Record<string, never> {
  return demanded === false ? {} : { lenient: true };
}

function required({ place, keyword, value }: Demand<readonly string[]>): Finding[] {
  return value
    .filter((name) => !place.given.requires(name))
    .map((name) => ({ path: [...place.path, name], keyword, given: false, demanded: true }));
}

function minProperties(demand: Demand<number>): Finding[] {
  const names = new Set(demand.place.given.all("required").flat());
  return names.size >= demand.value ? [] : atLeast(demand);
}

function dependentRequired(demand: Demand<Readonly<Record<string, readonly string[]>>>): Finding[] {
  const { place, keyword, value } = demand;
  const own = place.given.all(keyword) as Record<string, string[]>[];
  return Object.entries(value).flatMap(([trigger, names]) => {
    if (place.given.member(trigger).impossible) return [];
    const promised = own.flatMap((lists) => (Object.hasOwn(lists, trigger) ? lists[trigger]! : []));
    const missing = names.filter((name) => !promised.includes(name) && !place.given.requires(name));
    return missing.map((name) => ({
      path: [...place.path, name],
      keyword,
      given: undefined,
      demanded: trigger,
    }));
  });
}

function dependentSchemas(demand: Demand<Members>): Finding[] {
  const { containment, place, keyword, value } = demand;
  return schemaMembers(value).flatMap(([trigger, schema]) => {
    if (place.given.member(trigger).impossible) return [];
    const own = place.given.all(keyword).map((members) => (members as Members)[trigger]);
    const given = place.given.and(...own.filter(isSchema));
    return containment.holds(given, schema, place.root) ? [] : [undecided(place, keyword)];
  });
}

function propertyNames(demand: Demand<JsonSchema>): Finding[] {
  const { containment, place, keyword, value } = demand;
  const own = place.given.all(keyword).filter(isSchema);
  const given = new Conjunction([{ type: "string" }, ...own], place.given.root);
  return containment.holds(given, value, place.root) ? [] : [undecided(place, keyword)];
}

const types = ["object"] as const;

export const objectKeywords: Readonly<Record<string, Keyword>> = {
  properties: { types, check: properties },
  additionalProperties: { types, check: additionalProperties },
  patternProperties: { types, check: patternProperties },
  required: { types, check: required },
  minProperties: { types, check: minProperties },
  maxProperties: { types, check: atMost },
  dependentRequired: { types, check: dependentRequired },
  dependentSchemas: { types, check: dependentSchemas },
  propertyNames: { types, check: propertyNames },
};
