import { didYouMean } from "../../src/registry/suggest.js";
import type { Column } from "./columns.js";
import { usageError } from "./failure.js";
import { quoted } from "./names.js";

/**
 * The columns by which a row is found again, of those asked for: columns, or fields of the payload.
 * @throws HmsSyncError `usage` naming what there is.
 */
export function askedKey(asked: readonly string[], columns: readonly Column[], topic: string): string[] {
  const usable = columns.filter(({ proposed }) => !proposed);
  return asked.map((text) => {
    const same = (name: string) => name.toLowerCase() === text.toLowerCase();
    const column = usable.find(({ name, path }) => same(name) || same(path.join(".")));
    if (column !== undefined) return column.name;
    const names = usable.flatMap(({ name, path }) => [name, path.join(".")]).filter((name) => name !== "");
    throw usageError(
      `--key ${quoted(text)} is no column of ${topic}${didYouMean(text, names)}; there are ${usable.map(({ name }) => name).join(", ")}`,
    );
  });
}

const idLike = /(^|_)(id|no|nr|number|key|code)$/i;

/** The columns to find a row by when nobody says: the topic's ordering key, else what is called like one. */
export function likelyKey(columns: readonly Column[], pointer?: string): string[] {
  const usable = columns.filter(({ proposed }) => !proposed);
  const ordering = usable.find(({ path }) => pointer !== undefined && `/${path.join("/")}` === pointer);
  const required = usable.filter((column) => column.required);
  const likely = ordering ?? required.find(({ name }) => idLike.test(name));
  return likely === undefined ? [] : [likely.name];
}
