import { didYouMean } from "../../src/registry/suggest.js";
import { type Database, databaseNamed, databaseNames, databaseWords } from "./databases.js";

/** A name of topics.yaml that is a package's name as well; a hidden file or a folder's way out is none. */
const systemName = /^[a-z0-9][a-z0-9._-]{0,99}$/;
const topicName = systemName;
/** What every one of the databases takes as a quoted name. */
const sqlName = /^[\p{L}_][\p{L}\p{N}_$#]{0,127}$/u;
/** Systems that topics.yaml knows without naming them, and what a package may not be called. */
const taken = ["admin", "cli", "node_modules", "favicon.ico"];

/** Why the text is no name of an adapter, with the remedy; undefined when it is one. */
export function adapterNameProblem(text: string): string | undefined {
  if (!systemName.test(text)) {
    return `${quoted(text)} is no name for an adapter; write the consumer's name in topics.yaml: lower-case letters, digits, dots, hyphens and underscores, like treasury-payroll`;
  }
  return taken.includes(text)
    ? `${quoted(text)} is taken; choose the consumer's name in topics.yaml`
    : undefined;
}

/** The same for a topic. */
export function topicProblem(text: string): string | undefined {
  if (topicName.test(text)) return undefined;
  return `${quoted(text)} is no name of a topic; write it as in topics.yaml, like payments.issued`;
}

/** The same for a table, which may stand in a schema: `dbo.PAYMENTS`. */
export function tableProblem(text: string): string | undefined {
  if (text.split(".").length <= 3 && text.split(".").every((part) => sqlName.test(part))) return undefined;
  return `${quoted(text)} is no name of a table; write letters, digits and underscores, like PAYMENTS or dbo.PAYMENTS`;
}

/** The same for a column. */
export function columnProblem(text: string): string | undefined {
  if (sqlName.test(text)) return undefined;
  return `${quoted(text)} is no name of a column; write letters, digits and underscores, like PAY_NO`;
}

/** The same for a database. */
export function databaseProblem(text: string): string | undefined {
  if (databaseNamed(text) !== undefined) return undefined;
  return `${quoted(text)} is no database that is known here${didYouMean(text, databaseWords)}; write one of ${databaseNames.join(", ")}`;
}

/** The database that was checked before. */
export function databaseCalled(text: string): Database {
  return databaseNamed(text)!;
}

/** Words of a name as the database writes names: `inspectionId` is `INSPECTION_ID` or `inspection_id`. */
export function sqlNameOf(text: string, letters: "lower" | "upper"): string {
  const words = text
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replace(/([A-Z]+)([A-Z][a-z])/g, "$1_$2")
    .replace(/[^A-Za-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "");
  const name = /^[A-Za-z]/.test(words) ? words : `F_${words}`;
  return (letters === "lower" ? name.toLowerCase() : name.toUpperCase()).slice(0, 60);
}

/** How a name is written, where it tells: a table in capitals has its columns in capitals. */
export function lettersOf(name: string): "lower" | "upper" | undefined {
  if (name === name.toUpperCase() && name !== name.toLowerCase()) return "upper";
  return name === name.toLowerCase() && name !== name.toUpperCase() ? "lower" : undefined;
}

export function quoted(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
}
