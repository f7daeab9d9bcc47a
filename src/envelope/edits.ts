import type { JsonNode, JsonText } from "./json-text.js";
import { localToUtc } from "./local-time.js";
import type { MemberPlan, Plan } from "./plan.js";
import type { Edit } from "./text-edits.js";

/**
 * The edits that make `json` what `plan` asks for: missing members with a default inserted after the nearest member
 * that the schema lists before them, date-times without an offset rewritten in UTC.
 * Recursive: `json` was scanned with a depth limit.
 * @throws HmsSyncError `unknown_timezone` when a date-time needs `timezone` and it is none.
 */
export function normalizingEdits(json: JsonText, plan: Plan, timezone: string): Edit[] {
  const edits: Edit[] = [];
  visit({ json, timezone, edits }, 0, plan);
  return edits;
}

interface Walk {
  readonly json: JsonText;
  readonly timezone: string;
  readonly edits: Edit[];
}

function visit(walk: Walk, node: JsonNode, plan: Plan): void {
  if (walk.json.isObject(node)) visitObject(walk, node, plan);
  else if (walk.json.isArray(node)) visitArray(walk, node, plan);
  else if (plan.dateTime && walk.json.isString(node)) rewriteDateTime(walk, node);
}

function visitObject(walk: Walk, object: JsonNode, plan: Plan): void {
  const { json } = walk;
  const end = json.after(object);
  let missing = plan.defaults;
  for (let child = json.firstChild(object); child < end; child = json.after(child)) {
    const member = plan.members.get(json.name(child)!);
    if (member?.insertion !== undefined) missing--;
    const childPlan = member === undefined ? plan.otherMembers : member.plan;
    if (childPlan !== undefined) visit(walk, child, childPlan);
  }
  if (missing > 0) insertDefaults(walk, object, plan.order);
}

function visitArray(walk: Walk, array: JsonNode, plan: Plan): void {
  const { json } = walk;
  const end = json.after(array);
  let index = 0;
  for (let child = json.firstChild(array); child < end; child = json.after(child)) {
    const childPlan = index < plan.firstElements.length ? plan.firstElements[index] : plan.otherElements;
    if (childPlan !== undefined) visit(walk, child, childPlan);
    index++;
  }
}

function insertDefaults({ json, edits }: Walk, object: JsonNode, order: readonly MemberPlan[]): void {
  const present = new Map<string, JsonNode>();
  const end = json.after(object);
  for (let child = json.firstChild(object); child < end; child = json.after(child)) {
    present.set(json.name(child)!, child);
  }
  const leading: string[] = [];
  let after: number | undefined; // offset behind the last member that the schema lists before
  for (const { name, insertion } of order) {
    const node = present.get(name);
    if (node !== undefined) after = json.end(node);
    else if (insertion === undefined) continue;
    else if (after === undefined) leading.push(insertion);
    else edits.push({ start: after, end: after, text: `,${insertion}` });
  }
  if (leading.length === 0) return;
  const start = json.start(object) + 1;
  edits.push({ start, end: start, text: leading.join(",") + (present.size > 0 ? "," : "") });
}

function rewriteDateTime({ json, timezone, edits }: Walk, node: JsonNode): void {
  const utc = localToUtc(json.stringValue(node), timezone);
  if (utc !== undefined) edits.push({ start: json.start(node), end: json.end(node), text: `"${utc}"` });
}
