import { existsSync } from "node:fs";
import { type FileHandle, link, open, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { HmsSyncError } from "../errors.js";
import { usageError } from "./failure.js";

export interface ArchiveCounts {
  readonly owed: number;
  readonly dead: number;
}

/** Longest beginning of a line that is looked at; the last line is shorter. */
const headBytes = 200;

/** Counts the lines of an archive as its bytes pass by, and knows its end. */
export class ArchiveCheck {
  private head = "";
  private seen = { owed: 0, dead: 0 };
  private stated: ArchiveCounts | undefined;

  get lines(): number {
    return this.seen.owed + this.seen.dead;
  }

  push(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    for (let at = 0; at < bytes.length; ) {
      const newline = bytes.indexOf(10, at);
      const end = newline === -1 ? bytes.length : newline;
      const wanted = Math.max(0, headBytes - this.head.length);
      this.head += bytes.toString("latin1", at, Math.min(end, at + wanted));
      if (newline !== -1) this.endLine();
      at = end + 1;
    }
  }

  /** The counts when the archive is whole; undefined when its end is missing or tells of more than came. */
  whole(): ArchiveCounts | undefined {
    const { stated, seen } = this;
    return stated?.owed === seen.owed && stated.dead === seen.dead && this.head === "" ? seen : undefined;
  }

  private endLine(): void {
    const line = this.head;
    this.head = "";
    this.stated = undefined; // an end that is followed by something is none
    if (line.startsWith('{"kind":"owed"')) this.seen.owed++;
    else if (line.startsWith('{"kind":"dead"')) this.seen.dead++;
    else if (line.startsWith('{"kind":"end"')) this.stated = JSON.parse(line) as ArchiveCounts;
  }
}

/**
 * Writes an archive that only its owner may read to `path`, which must be a new file. It has that name from the moment
 * it is whole and on the disk. Rejects with `archive_incomplete` or `archive_unwritable`; nothing unfinished is left then.
 */
export async function writeArchive(
  path: string,
  chunks: AsyncIterable<Uint8Array>,
  progress: (lines: number) => void,
): Promise<ArchiveCounts> {
  if (existsSync(path)) throw taken(path);
  const part = `${path}.${process.pid}.part`;
  const file = await writing(path, open(part, "wx", 0o600));
  try {
    const counts = await fill(path, file, chunks, progress);
    await writing(path, link(part, path));
    await writing(path, syncDirectory(dirname(path)));
    return counts;
  } finally {
    await file.close();
    await rm(part, { force: true });
  }
}

async function fill(
  path: string,
  file: FileHandle,
  chunks: AsyncIterable<Uint8Array>,
  progress: (lines: number) => void,
): Promise<ArchiveCounts> {
  const check = new ArchiveCheck();
  for await (const chunk of chunks) {
    await writing(path, file.writeFile(chunk));
    check.push(chunk);
    progress(check.lines);
  }
  const counts = check.whole();
  if (counts === undefined) throw incomplete(`it ended after ${check.lines} lines, without its last one`);
  await writing(path, file.sync());
  return counts;
}

/** The error of an archive that broke off. */
export function incomplete(reason: string, cause?: unknown): HmsSyncError {
  return new HmsSyncError(
    "archive_incomplete",
    `the archive broke off: ${reason}; it was removed and nothing was retired, try again`,
    { status: 503, retryable: true, ...(cause === undefined ? {} : { cause }) },
  );
}

// The name is on the disk too: what it names is about to be the only copy.
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function writing<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "EEXIST") throw taken(path);
    throw new HmsSyncError(
      "archive_unwritable",
      `${path} cannot be written (${code ?? message}); nothing was retired, name another place with --archive`,
      { cause },
    );
  }
}

function taken(path: string): HmsSyncError {
  return usageError(`${path} is there already and is never overwritten; name a new file with --archive`);
}
