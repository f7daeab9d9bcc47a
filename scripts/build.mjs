/**
 * Compiles client, sidecar and adapters into their dist folders; does nothing when sources and output are as after
 * the last build. Files are replaced one by one, whole, so a program that starts meanwhile never reads half a file.
 */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { withLock } from "./lib/lock.mjs";
import { adapterFolders, filesBelow, root } from "./lib/paths.mjs";
import { say } from "./lib/run.mjs";
import { hashOf, isDone, markDone } from "./lib/stamps.mjs";

const scaffold = join(root, "create-hms-adapter");
const commands = [join(root, "dist/cli/main.js"), join(scaffold, "dist/create-hms-adapter/src/main.js")];

/** In the order of their dependence: adapters need the types of the client. */
function projects() {
  const folders = [join(root, "client"), root, scaffold, ...adapterFolders()];
  return folders.filter(
    (folder) => existsSync(join(folder, "tsconfig.json")) && existsSync(join(folder, "src")),
  );
}

/** @returns {boolean} whether the project is built */
function build(folder) {
  const name = relative(root, folder) || "sidecar";
  const dist = join(folder, "dist");
  const inputs = inputsOf(folder);
  const before = hashOf(inputs);
  if (isDone(`build-${name}`, before + listing(dist))) return true;
  const started = Date.now();
  const output = join(folder, ".cache", "build");
  rmSync(output, { recursive: true, force: true });
  const compiled = compile(folder, output);
  if (!compiled && filesBelow(output).length === 0) return false; // nothing to put in the place of the last build
  copyScripts(join(folder, "src"), output);
  replace(dist, output);
  if (!compiled) return false;
  markDone(`build-${name}`, before + listing(dist));
  say(`built ${name} in ${((Date.now() - started) / 1000).toFixed(1)} s`);
  return true;
}

function inputsOf(folder) {
  const own = ["tsconfig.json", "package.json"].map((name) => join(folder, name));
  const shared = ["tsconfig.base.json", "package-lock.json", "scripts/build.mjs"].map((name) =>
    join(root, name),
  );
  const client = folder === join(root, "client") ? [] : filesBelow(join(root, "client", "src"));
  const sidecar = folder === scaffold ? filesBelow(join(root, "src")) : []; // it has parts of it compiled in
  const tests = adapterFolders().includes(folder) ? filesBelow(join(folder, "test")) : []; // compiled with it, as in a project of the scaffold's
  return [...filesBelow(join(folder, "src")), ...tests, ...own, ...shared, ...client, ...sidecar];
}

function compile(folder, output) {
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  const args = [tsc, "-p", join(folder, "tsconfig.json"), "--outDir", output];
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" });
  return status === 0;
}

/** Redis scripts are read beside the module that runs them. */
function copyScripts(source, output) {
  for (const file of filesBelow(source).filter((name) => name.endsWith(".lua"))) {
    const target = join(output, relative(source, file));
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(file, target);
  }
}

/** Moves each new file over the old one, then removes what the sources no longer make. */
function replace(dist, output) {
  const fresh = new Set();
  for (const file of filesBelow(output)) {
    const target = join(dist, relative(output, file));
    fresh.add(target);
    if (file.endsWith(".map")) moveSources(file, target);
    if (commands.includes(target)) chmodSync(file, 0o755);
    mkdirSync(dirname(target), { recursive: true });
    renameSync(file, target);
  }
  for (const file of filesBelow(dist)) if (!fresh.has(file)) rmSync(file);
  rmSync(output, { recursive: true, force: true });
}

/** The paths of a source map are relative to where it was written. */
function moveSources(file, target) {
  const map = JSON.parse(readFileSync(file, "utf8"));
  map.sources = map.sources.map((source) => relative(dirname(target), resolve(dirname(file), source)));
  writeFileSync(file, JSON.stringify(map));
}

function listing(dist) {
  return hashOf([], filesBelow(dist));
}

const built = await withLock("build", () => projects().map(build));
process.exitCode = built.every(Boolean) ? 0 : 1;
