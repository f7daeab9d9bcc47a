import { equal } from "./same.js";
import type { Finding } from "./types.js";

/** What a keyword says in the older and in the newer version; a side that says nothing is undefined. */
interface Sides {
  readonly older: unknown;
  readonly newer: unknown;
  /** Which side's payloads the other one may refuse. */
  readonly breaks: "backward" | "forward" | "both";
}

/** A change in words, from what one side or both do not promise the other. */
export function inWords(backward: Finding | undefined, forward: Finding | undefined): string {
  const found = (backward ?? forward)!;
  if (backward?.undecided || forward?.undecided) return cannotTell(found.keyword);
  const sides: Sides = {
    older: backward ? backward.given : found.demanded,
    newer: backward ? backward.demanded : found.given,
    breaks: backward && forward ? "both" : backward ? "backward" : "forward",
  };
  const lenient = found.lenient === true && sides.breaks !== "both";
  return (words[found.keyword] ?? general(found.keyword))(sides, lenient);
}

type Wording = (sides: Sides, lenient: boolean) => string;

const words: Readonly<Record<string, Wording>> = {
  type: ({ older, newer }) => `type ${listed(older)} becomes ${listed(newer)}`,
  required: ({ breaks }) => (breaks === "backward" ? "becomes required" : "is no longer required"),
  properties: ({ breaks }, lenient) => (lenient ? undescribed : notAllowed)[breaks],
  false: ({ breaks }) => notAllowed[breaks],
  additionalProperties: ({ breaks }) =>
    ({
      backward: "members without a description have to fit what they did not have to before",
      forward: "members without a description may be what they could not be before",
      both: "members without a description have to fit another schema",
    })[breaks],
  enum: ({ older, newer }) => changedValues(older as unknown[] | undefined, newer as unknown[] | undefined),
  dependentRequired: ({ older, newer }) =>
    newer === undefined
      ? `is no longer required beside ${shown(older)}`
      : `becomes required beside ${shown(newer)}`,
  anyOf: () => alternatives,
  oneOf: () => alternatives,
};

const undescribed = {
  backward: "is new; older payloads may by chance have another value there",
  forward: "is no longer described; newer payloads may by chance have another value there",
  both: "is described otherwise",
};
const notAllowed = {
  backward: "is gone, and no longer allowed",
  forward: "is new, and not allowed by the older version",
  both: "is allowed in neither version's place",
};
const alternatives = "alternatives change; it is not shown that each payload fits one of the other version";

function cannotTell(keyword: string): string {
  return keyword === "$ref"
    ? "the schemas are too intricate to be compared, which counts as breaking"
    : `${keyword} changes in a way that cannot be compared, which counts as breaking`;
}

function general(keyword: string): Wording {
  return ({ older, newer }) => {
    if (older === undefined) return `${keyword} ${shown(newer)} is added`;
    if (newer === undefined) return `${keyword} ${shown(older)} is removed`;
    return `${keyword} ${shown(older)} becomes ${shown(newer)}`;
  };
}

function changedValues(older: unknown[] | undefined, newer: unknown[] | undefined): string {
  if (older === undefined) return `only these values are left: ${shownList(newer!)}`;
  if (newer === undefined) return `any value is allowed, no longer only ${shownList(older)}`;
  const [added, removed] = [without(newer, older), without(older, newer)];
  const parts = [
    removed.length > 0 ? `values removed: ${shownList(removed)}` : "",
    added.length > 0 ? `values added: ${shownList(added)}` : "",
  ];
  return parts.filter(Boolean).join("; ");
}

function without(values: readonly unknown[], others: readonly unknown[]): unknown[] {
  return values.filter((value) => !others.some((other) => equal(other, value)));
}

function listed(types: unknown): string {
  return [types].flat().join(" or ");
}

function shownList(values: readonly unknown[]): string {
  const most = 10;
  const first = values.slice(0, most).map(shown).join(", ");
  return values.length > most ? `${first} and ${values.length - most} more` : first;
}

/** A value of a schema, cut when it is long. */
function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
