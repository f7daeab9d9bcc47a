import { isSchema, type JsonSchema, mergedSchemas, schemaElements, schemaMembers } from "./schema-merge.js";

/** What normalizing does to a value at one place of the payload. Undefined places stay as they are. */
export interface Plan {
  /** A string here may be a date-time without an offset. */
  readonly dateTime: boolean;
  /** Members by name. */
  readonly members: ReadonlyMap<string, MemberPlan>;
  /** The members in the order of the schema's properties, which says where a default goes. */
  readonly order: readonly MemberPlan[];
  /** How many members have a default. */
  readonly defaults: number;
  /** Members that `properties` does not name. */
  readonly otherMembers: Plan | undefined;
  readonly firstElements: readonly (Plan | undefined)[];
  readonly otherElements: Plan | undefined;
}

export interface MemberPlan {
  readonly name: string;
  readonly plan: Plan | undefined;
  /** `"name":value` to insert when the member is missing. */
  readonly insertion: string | undefined;
}

/** What a schema asks of normalizing; undefined when nothing. */
export function compilePlan(schema: JsonSchema): Plan | undefined {
  return new PlanCompiler(schema).compile();
}

/**
 * The subschemas whose `default` is filled in, so that a registry can refuse a `default` that never would be.
 */
export function filledDefaults(schema: JsonSchema): ReadonlySet<object> {
  const compiler = new PlanCompiler(schema);
  compiler.compile();
  return compiler.filled;
}

/** A plan under construction: the graph may have cycles, as schemas may. */
interface Draft {
  dateTime: boolean;
  members: Map<string, { name: string; draft: Draft; insertion: string | undefined }>;
  otherMembers: Draft | undefined;
  firstElements: Draft[];
  otherElements: Draft | undefined;
  useful: boolean;
}

class PlanCompiler {
  /** Subschemas with a `default` that is filled in. */
  readonly filled = new Set<object>();
  private readonly drafts = new Map<string, Draft>();
  private readonly numbers = new Map<object, number>();
  private readonly plans = new Map<Draft, Plan>();

  constructor(private readonly root: JsonSchema) {}

  compile(): Plan | undefined {
    const draft = this.draft([this.root]);
    this.markUseful();
    return this.plan(draft);
  }

  /** One draft for each set of schemas that can hold for a value together. */
  private draft(schemas: readonly JsonSchema[]): Draft {
    const merged = mergedSchemas(schemas, this.root);
    const key = merged.map((schema) => this.numberOf(schema)).join();
    const known = this.drafts.get(key);
    if (known !== undefined) return known;
    const draft: Draft = {
      dateTime: merged.some(({ format }) => format === "date-time"),
      members: new Map(),
      otherMembers: undefined,
      firstElements: [],
      otherElements: undefined,
      useful: false,
    };
    this.drafts.set(key, draft); // before its children: they may lead back here
    this.addMembers(draft, merged);
    this.addElements(draft, merged);
    return draft;
  }

  private addMembers(draft: Draft, merged: readonly Record<string, unknown>[]): void {
    const others = merged.map(({ additionalProperties }) => additionalProperties).filter(isSchema);
    const patterned = merged.some(({ patternProperties }) => schemaMembers(patternProperties).length > 0);
    if (others.length > 0 && !patterned) draft.otherMembers = this.draft(others);
    const byName = new Map<string, JsonSchema[]>();
    for (const [name, schema] of merged.flatMap(({ properties }) => schemaMembers(properties))) {
      byName.set(name, [...(byName.get(name) ?? []), schema]);
    }
    for (const [name, schemas] of byName) {
      draft.members.set(name, { name, draft: this.draft(schemas), insertion: this.insertion(name, schemas) });
    }
  }

  private addElements(draft: Draft, merged: readonly Record<string, unknown>[]): void {
    const prefixes = merged.map(({ prefixItems }) => schemaElements(prefixItems));
    const longest = Math.max(0, ...prefixes.map(({ length }) => length));
    for (let i = 0; i < longest; i++) {
      const schemas = prefixes.map((prefix, n) => prefix[i] ?? merged[n]!.items).filter(isSchema);
      draft.firstElements.push(this.draft(schemas));
    }
    const items = merged.map((schema) => schema.items).filter(isSchema);
    if (items.length > 0) draft.otherElements = this.draft(items);
  }

  private insertion(name: string, schemas: readonly JsonSchema[]): string | undefined {
    const withDefault = mergedSchemas(schemas, this.root).filter((schema) =>
      Object.hasOwn(schema, "default"),
    );
    for (const schema of withDefault) this.filled.add(schema);
    const first = withDefault[0];
    return first && `${JSON.stringify(name)}:${JSON.stringify(first.default)}`;
  }

  private numberOf(schema: object): number {
    const number = this.numbers.get(schema) ?? this.numbers.size;
    this.numbers.set(schema, number);
    return number;
  }

  /** Spreads from the places where something is to be done to the places on the way there. */
  private markUseful(): void {
    for (let changed = true; changed; ) {
      changed = false;
      for (const draft of this.drafts.values()) {
        if (draft.useful || !isUseful(draft)) continue;
        draft.useful = true;
        changed = true;
      }
    }
  }

  private plan(draft: Draft | undefined): Plan | undefined {
    if (!draft?.useful) return undefined;
    const known = this.plans.get(draft);
    if (known !== undefined) return known;
    const plan = { dateTime: draft.dateTime } as { -readonly [K in keyof Plan]: Plan[K] };
    this.plans.set(draft, plan); // before its children: they may lead back here
    plan.order = [...draft.members.values()].map((member) => ({
      name: member.name,
      plan: this.plan(member.draft),
      insertion: member.insertion,
    }));
    plan.members = new Map(plan.order.map((member) => [member.name, member]));
    plan.defaults = plan.order.filter(({ insertion }) => insertion !== undefined).length;
    plan.otherMembers = this.plan(draft.otherMembers);
    plan.firstElements = draft.firstElements.map((element) => this.plan(element));
    plan.otherElements = this.plan(draft.otherElements);
    return plan;
  }
}

function isUseful(draft: Draft): boolean {
  const members = [...draft.members.values()];
  return (
    draft.dateTime ||
    members.some(({ insertion, draft: member }) => insertion !== undefined || member.useful) ||
    draft.firstElements.some(({ useful }) => useful) ||
    draft.otherMembers?.useful === true ||
    draft.otherElements?.useful === true
  );
}
