import type { CastStep, CastSteps, ValueMap } from "../../envelope/cast.js";
import { sharedElements } from "../../envelope/cast-steps.js";
import { pointerPath } from "../../envelope/schema-merge.js";
import { shown } from "../problems.js";
import type { SourceFile } from "../source-file.js";
import { didYouMean } from "../suggest.js";
import { isRecord, jsonMisfit } from "./json-value.js";

type Place = readonly (string | number)[];
type Record_ = Record<string, unknown>;

export const noCasts = "holds no casts; write up: and down: with a list of steps each";
const maxSteps = 200;
const maxTokens = 20;
const stepKinds = ["rename", "move", "set", "default", "drop", "map"];
const example: Record<string, string> = {
  rename: "{from: /completedBy, to: inspector}",
  move: "{from: /zip, to: /address/zip}",
  set: "{path: /channel, value: web}",
  default: "{path: /channel, value: web}",
  drop: "/legacyCode",
  map: "{path: /newStatus, values: {Done: Completed}}",
};

/** Reads the steps of a casts file, each checked as far as the file alone shows. */
export class CastsReader {
  private sound = true;

  constructor(private readonly file: SourceFile) {}

  /** The steps of `document`; undefined when something is wrong, which is told then. */
  read(document: unknown): CastSteps | undefined {
    if (!isRecord(document)) {
      this.refuse([], noCasts);
      return undefined;
    }
    this.checkKeys([], document, ["up", "down", "examples"], "the file");
    if (!Object.hasOwn(document, "up") && !Object.hasOwn(document, "down")) {
      this.refuse(
        [],
        "has neither up: nor down:; write the steps of one direction at least, or remove the file",
      );
    }
    const up = this.direction("up", document.up);
    const down = this.direction("down", document.down);
    return this.sound ? { ...(up && { up }), ...(down && { down }) } : undefined;
  }

  private direction(name: string, value: unknown): CastStep[] | undefined {
    if (value === undefined) return undefined;
    if (!Array.isArray(value)) {
      this.refuse(
        [name],
        `${name} ${shown(value)} is no list of steps; write one, or [] when nothing is to be done`,
      );
      return undefined;
    }
    if (value.length > maxSteps)
      this.refuse([name], `${name} has ${value.length} steps, and ${maxSteps} are the most`);
    return value.flatMap((step, index) => this.step(step, [name, index]) ?? []);
  }

  private step(step: unknown, place: Place): CastStep | undefined {
    const kinds = isRecord(step) ? Object.keys(step) : [];
    const [kind = ""] = kinds;
    if (!isRecord(step) || kinds.length !== 1) {
      this.refuse(
        place,
        `${this.named(place)} is not one step; write one of ${stepKinds.join(", ")} in each entry`,
      );
      return undefined;
    }
    if (!stepKinds.includes(kind)) {
      const remedy = didYouMean(kind, stepKinds) || ` (known are ${stepKinds.join(", ")})`;
      this.refuse(place, `the step ${shown(kind)} is unknown${remedy}; correct or remove it`);
      return undefined;
    }
    return this.bodyOf(kind, step[kind], [...place, kind]);
  }

  private bodyOf(kind: string, body: unknown, place: Place): CastStep | undefined {
    if (kind === "drop") {
      const drop = this.pointer(body, place, "drop");
      return drop === undefined ? undefined : { drop };
    }
    if (!isRecord(body)) {
      this.refuse(
        place,
        `${kind} ${shown(body)} is not what the step needs; write ${kind}: ${example[kind]}`,
      );
      return undefined;
    }
    if (kind === "rename") return this.rename(body, place);
    if (kind === "move") return this.move(body, place);
    if (kind === "map") return this.map(body, place);
    return this.set(kind, body, place);
  }

  private rename(body: Record_, place: Place): CastStep | undefined {
    if (!this.complete("rename", body, place, ["from", "to"])) return undefined;
    const from = this.pointer(body.from, [...place, "from"], "rename");
    const { to } = body;
    if (typeof to !== "string" || to === "" || to.startsWith("/")) {
      const text = `to ${shown(to)} of rename is not a member's name; write the name alone, or use move to change the place`;
      this.refuse([...place, "to"], text);
      return undefined;
    }
    return from === undefined ? undefined : { rename: { from, to } };
  }

  private move(body: Record_, place: Place): CastStep | undefined {
    if (!this.complete("move", body, place, ["from", "to"])) return undefined;
    const from = this.pointer(body.from, [...place, "from"], "move");
    const to = this.pointer(body.to, [...place, "to"], "move");
    if (from === undefined || to === undefined) return undefined;
    if (`${from}/`.startsWith(`${to}/`) || `${to}/`.startsWith(`${from}/`)) {
      this.refuse(
        place,
        `move from ${from} to ${to} would move a value into or onto itself; move it by way of a third name`,
      );
    } else if (sharedElements(pointerPath(from)!, pointerPath(to)!) === undefined) {
      this.refuse(
        place,
        `move from ${from} to ${to} leads out of one array's element; a value stays in its element: write the same path up to the last *`,
      );
    }
    return { move: { from, to } };
  }

  private set(kind: string, body: Record_, place: Place): CastStep | undefined {
    if (!this.complete(kind, body, place, ["path", "value"])) return undefined;
    const path = this.pointer(body.path, [...place, "path"], kind);
    this.value(body.value, [...place, "value"], `value of ${kind}`);
    if (path === undefined) return undefined;
    return kind === "set" ? { set: { path, value: body.value } } : { default: { path, value: body.value } };
  }

  private map(body: Record_, place: Place): CastStep | undefined {
    if (!this.complete("map", body, place, ["path", "values"], ["otherwise"])) return undefined;
    const path = this.pointer(body.path, [...place, "path"], "map", true);
    const { values } = body;
    if (!isRecord(values) || Object.keys(values).length === 0) {
      this.refuse(
        [...place, "values"],
        `values ${shown(values)} of map names no value; write some like {Done: Completed}`,
      );
      return undefined;
    }
    for (const [name, value] of Object.entries(values))
      this.value(value, [...place, "values", name], "value of map");
    const otherwise = this.otherwise(body, [...place, "otherwise"]);
    return path === undefined ? undefined : { map: { path, values, ...(otherwise && { otherwise }) } };
  }

  private otherwise(body: Record_, place: Place): ValueMap["otherwise"] {
    if (!Object.hasOwn(body, "otherwise")) return undefined;
    const { otherwise } = body;
    if (otherwise === "keep" || otherwise === "fail") return otherwise;
    if (isRecord(otherwise) && Object.keys(otherwise).join() === "value") {
      this.value(otherwise.value, [...place, "value"], "otherwise of map");
      return { value: otherwise.value };
    }
    this.refuse(place, `otherwise ${shown(otherwise)} of map is none; write keep, fail or {value: …}`);
    return undefined;
  }

  /** Whether the members that a step needs are there; others are told, too. */
  private complete(
    kind: string,
    body: Record_,
    place: Place,
    needed: readonly string[],
    optional: readonly string[] = [],
  ): boolean {
    this.checkKeys(place, body, [...needed, ...optional], kind);
    const missing = needed.filter((key) => !Object.hasOwn(body, key));
    for (const key of missing) this.refuse(place, `${kind} has no ${key}; write ${kind}: ${example[kind]}`);
    return missing.length === 0;
  }

  private pointer(value: unknown, place: Place, kind: string, mayBeElements = false): string | undefined {
    const path = typeof value === "string" ? pointerPath(value) : undefined;
    const say = (text: string) => this.refuse(place, `${shown(value)} of ${kind} ${text}`);
    if (path === undefined || path.length === 0)
      say(`is no path of a field; write one like ${kind === "drop" ? "/legacyCode" : "/address/zip"}`);
    else if (path.length > maxTokens) say(`is deeper than ${maxTokens} levels; flatten the payload`);
    else if (path.at(-1) === "*" && !mayBeElements)
      say("ends with an array's elements; end it with a field of theirs");
    else return value as string;
    return undefined;
  }

  private value(value: unknown, place: Place, what: string): void {
    const misfit = jsonMisfit(value);
    if (misfit !== undefined) this.refuse(place, `${what} ${misfit}`);
  }

  private checkKeys(place: Place, value: Record_, known: readonly string[], what: string): void {
    for (const key of Object.keys(value).filter((name) => !known.includes(name))) {
      const remedy = didYouMean(key, known) || ` (known are ${known.join(", ")})`;
      this.sound = false;
      this.file.refuseKey(
        place,
        key,
        `the key ${shown(key)} of ${what} is unknown${remedy}; correct or remove it`,
      );
    }
  }

  private refuse(place: Place, text: string): void {
    this.sound = false;
    this.file.refuse(place, text);
  }

  private named([direction, index]: Place): string {
    return `entry ${Number(index) + 1} of ${direction}`;
  }
}
