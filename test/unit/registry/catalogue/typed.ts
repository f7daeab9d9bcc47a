import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const root = resolve(import.meta.dirname, "../../../..");
const run = promisify(execFile);

/** What tsc says of the files, by name, as an adapter beside @hms-sync/client would have them; empty when all is well. */
export async function typeErrors(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "types-"));
  const tsconfig = {
    extends: join(root, "tsconfig.base.json"),
    compilerOptions: {
      noEmit: true,
      noUnusedLocals: false,
      typeRoots: [join(root, "node_modules/@types")],
      paths: { "@hms-sync/client": [join(root, "client/src/index.ts")] },
    },
    include: ["*.ts"],
  };
  const all = { ...files, "package.json": '{"type":"module"}', "tsconfig.json": JSON.stringify(tsconfig) };
  for (const [name, text] of Object.entries(all)) writeFileSync(join(folder, name), text);
  try {
    await run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", folder]);
    return "";
  } catch (error) {
    return `${(error as { stdout: string }).stdout}`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
