import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";

/** A folder into which files are put whole: whoever reads `*.hl7` there never sees a part of one. */
export interface FileDrop {
  /**
   * Writes a file under a name that no reader looks for, and gives it its own when it is on the disk. A file that has
   * the name already is whole and the same event's: it is left alone, so that no reader sees it come twice.
   * Resolves when file and name outlive a power failure.
   */
  put(name: string, content: Buffer): Promise<void>;
}

/** Makes the folder where it is missing, and removes what was left half-written there. */
export async function openFileDrop(folder: string): Promise<FileDrop> {
  await mkdir(folder, { recursive: true });
  await removeUnfinished(folder);
  return { put: (name, content) => put(folder, name, content) };
}

async function put(folder: string, name: string, content: Buffer): Promise<void> {
  const path = join(folder, name);
  if (!(await isThere(path))) {
    const unfinished = join(folder, unfinishedName(name));
    await writeToDisk(unfinished, content);
    await rename(unfinished, path);
  }
  await syncNames(folder);
}

/** Hidden, and without the ending that readers look for. One per event: what a crash left is written over. */
function unfinishedName(name: string): string {
  return `.${name}.tmp`;
}

/** Of events that did not come again. Should another adapter be writing one now, its rename fails and its event comes again. */
async function removeUnfinished(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => /^\..+\.hl7\.tmp$/.test(name));
  for (const name of names) await rm(join(folder, name), { force: true });
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

async function writeToDisk(path: string, content: Buffer): Promise<void> {
  const file = await open(path, "w");
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A rename is on the disk when its folder is. Windows opens no folders, and NTFS keeps a journal of names. */
async function syncNames(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
