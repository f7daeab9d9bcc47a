import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { validate } from "dockerfile-utils";

export interface Instruction {
  readonly keyword: string;
  readonly rest: string;
}

export interface Stage {
  readonly name: string;
  /** An image, or the name of an earlier stage. */
  readonly from: string;
  readonly instructions: readonly Instruction[];
}

/** The stages of a Dockerfile, with its continuation lines joined and its comments left out. */
export function stagesOf(text: string): Stage[] {
  const stages: { name: string; from: string; instructions: Instruction[] }[] = [];
  const lines = text.replaceAll(/^\s*#.*\n/gm, "").replaceAll(/\\\n\s*/g, " ");
  for (const line of lines.split("\n").filter((each) => each.trim() !== "")) {
    const [, keyword, rest] = /^\s*(\w+)\s+(.*)$/.exec(line)!;
    const from = /^(\S+)(?:\s+AS\s+(\S+))?$/i.exec(rest!);
    if (keyword === "FROM")
      stages.push({ from: from![1]!, name: from![2] ?? `stage ${stages.length}`, instructions: [] });
    else stages.at(-1)?.instructions.push({ keyword: keyword!, rest: rest! });
  }
  return stages;
}

/** The stages that are an image of their own: no other one is made from them or takes files of them. */
export function imagesOf(stages: readonly Stage[]): Stage[] {
  const used = new Set(stages.flatMap(({ from, instructions }) => [from, ...instructions.map(sourceStage)]));
  return stages.filter(({ name }) => !used.has(name));
}

/** The instructions of a stage, after those of the stages that it is made from. */
export function wholeStage(stage: Stage, stages: readonly Stage[]): Instruction[] {
  const parent = stages.find(({ name }) => name === stage.from);
  return [...(parent === undefined ? [] : wholeStage(parent, stages)), ...stage.instructions];
}

/** An exact version, with the digest of its image or without. */
const PINNED = /^[a-z0-9./-]+:\d+\.\d+\.\d+(-[a-z0-9-]+)?(@sha256:[0-9a-f]{64})?$/;
const SECRET = /TOKEN|PASSWORD|PASSWD|SECRET|CREDENTIAL|PRIVATE_KEY|APP_KEY|REDIS_URL|DATABASE_URL/;

export function isPinned(image: string): boolean {
  return PINNED.test(image);
}

/** Whether a variable of that name would hold a secret, rather than name the file of one. */
export function holdsSecret(name: string): boolean {
  return SECRET.test(name) && !name.endsWith("_FILE");
}

/** A sentence for each rule that a Dockerfile breaks. `excluded` says what .dockerignore leaves out of `context`. */
export function dockerfileProblems(
  text: string,
  context: string,
  excluded: (path: string) => boolean,
): string[] {
  const stages = stagesOf(text);
  return [
    ...validate(text).map(({ message }) => String(message)),
    ...(/^#\s*syntax=(?!\S+@sha256:)/m.test(text) ? ["the frontend of # syntax= is not pinned"] : []),
    ...stages.flatMap(({ from }, index) =>
      stages.slice(0, index).some(({ name }) => name === from) || isPinned(from)
        ? []
        : [`${from} is not pinned`],
    ),
    ...stages.flatMap(({ instructions }) =>
      instructions.flatMap((each) => instructionProblems(each, stages, context, excluded)),
    ),
    ...imagesOf(stages).flatMap((stage) => imageProblems(stage.name, wholeStage(stage, stages))),
  ];
}

function instructionProblems(
  instruction: Instruction,
  stages: readonly Stage[],
  context: string,
  excluded: (path: string) => boolean,
): string[] {
  const { keyword, rest } = instruction;
  if (keyword === "ADD") return ["ADD: write COPY"];
  if (keyword === "ENV" || keyword === "ARG")
    return variablesOf(rest).flatMap((name) =>
      holdsSecret(name) ? [`${name} is a secret in ${keyword}`] : [],
    );
  if (keyword === "RUN" && /\b(curl|wget)\b/.test(rest)) return ["RUN fetches what no lock names"];
  if (keyword !== "COPY") return [];
  const stage = sourceStage(instruction);
  if (stage !== "")
    return stages.some(({ name }) => name === stage) ? [] : [`COPY --from=${stage}: no such stage`];
  const sources = rest.split(/\s+/).filter((word) => !word.startsWith("--"));
  return sources.slice(0, -1).flatMap((source) => sourceProblems(source, context, excluded));
}

/** A `*` or a variable in a source stands for any name; one that ends with `*` may have no file. */
function sourceProblems(source: string, context: string, excluded: (path: string) => boolean): string[] {
  const found = pathsLike(source.replaceAll(/\$\{\w+\}/g, "*"), context);
  if (source !== "." && found.length === 0 && !source.endsWith("*"))
    return [`COPY ${source}: there is no such file`];
  return found
    .filter((path) => path !== "." && excluded(path))
    .map((path) => `COPY ${path}: .dockerignore leaves it out`);
}

function imageProblems(name: string, instructions: readonly Instruction[]): string[] {
  const of = (keyword: string) =>
    instructions.filter((each) => each.keyword === keyword).map(({ rest }) => rest);
  const user = of("USER").at(-1);
  const afterUser = instructions.slice(instructions.findLastIndex(({ keyword }) => keyword === "USER"));
  const command = of("ENTRYPOINT").at(-1) ?? of("CMD").at(-1);
  return [
    ...(user === undefined || /^(root|0)(:|$)/.test(user) ? [`${name} runs as root`] : []),
    ...(afterUser.some(({ keyword }) => keyword === "RUN") ? [`${name} runs something after USER`] : []),
    ...(of("HEALTHCHECK").length === 0 ? [`${name} has no HEALTHCHECK`] : []),
    ...(command?.startsWith("[") ? [] : [`${name} is not started in exec form`]),
    ...(/\bnode\b/.test(command ?? "") && !of("ENV").join(" ").includes("NODE_ENV=production")
      ? [`${name} is without NODE_ENV=production`]
      : []),
  ];
}

/** The paths below `folder` that fit a pattern, in which `*` stands for any part of a name. */
export function pathsLike(pattern: string, folder: string): string[] {
  return pattern
    .split("/")
    .reduce<string[]>((found, part) => found.flatMap((path) => within(path, part, folder)), [""]);
}

function within(path: string, part: string, folder: string): string[] {
  const name = new RegExp(`^${part.replaceAll(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*")}$`);
  const parent = join(folder, path);
  const names =
    part === "." || !isFolder(parent) ? [] : readdirSync(parent).filter((each) => name.test(each));
  return names.map((each) => join(path, each));
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function sourceStage({ keyword, rest }: Instruction): string {
  return (keyword === "COPY" && /--from=(\S+)/.exec(rest)?.[1]) || "";
}

function variablesOf(rest: string): string[] {
  return [...rest.matchAll(/(?:^|\s)([A-Za-z_]\w*)(?==|$)/g)].map(([, name]) => name!);
}

/** What a .dockerignore leaves out: the last of its patterns that fits a path or a folder above it decides. */
export function excludedBy(file: string): (path: string) => boolean {
  const patterns = existsSync(file) ? readFileSync(file, "utf8").split("\n") : [];
  const rules = patterns
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => ({ excludes: !line.startsWith("!"), pattern: patternOf(line.replace(/^!/, "")) }));
  return (path) =>
    rules.reduce((excluded, { excludes, pattern }) => (pattern.test(path) ? excludes : excluded), false);
}

function patternOf(glob: string): RegExp {
  const path = glob.replace(/\/$/, "").replaceAll(/[.+^${}()|[\]\\]/g, "\\$&");
  const wild = path.replaceAll("**/", "\0").replaceAll("*", "[^/]*").replaceAll("\0", "(?:.*/)?");
  return new RegExp(`^${wild}(?:/.*)?$`);
}
