import { HmsSyncClientError } from "../errors.js";
import { Permanent } from "../permanent.js";
import { isTimeZone } from "./civil-time.js";
import {
  type ColumnOptions,
  type Convert,
  convertAsIs,
  convertFor,
  isCharset,
  TYPES,
  ValueFault,
} from "./column-type.js";
import type { SqlValue } from "./dialect.js";
import { type MappedEvent, readerOf, type Source } from "./source.js";

/** A value as a mapping writes it. */
export type Scalar = string | number | boolean | null;

/** How a column gets its value. */
export interface ColumnMapping {
  /** `payload.address.zip`, a JSON Pointer into the payload (`/address/zip`), or a field of the envelope: `envelope.id`. */
  readonly from?: string;
  /** Always this, instead of `from`. */
  readonly constant?: Scalar;
  /** What the column holds; without it text and booleans as they are, numbers as their text. */
  readonly type?: string;
  /** For a field that is absent or null; NULL unless given. */
  readonly default?: Scalar;
  /** The column's value by the field's; a value that is not named is refused, unless there is `otherwise`. */
  readonly values?: Readonly<Record<string, Scalar>>;
  readonly otherwise?: Scalar;
  /** Refuses an event without the field (and without a default). */
  readonly required?: boolean;
  /** Cuts text that is too long, instead of refusing the event. */
  readonly truncate?: boolean;
  /** What the column can hold: ascii, latin1, windows-1252 (MySQL's latin1), utf8mb3. */
  readonly charset?: string;
  /** Written for a character that the charset has not, instead of refusing the event. */
  readonly substitute?: string;
  /** In which zone a date or time with an offset is told; UTC unless given. */
  readonly timeZone?: string;
}

/** By column, in the names that the database has; a text is short for `{from: …}`. */
export type Mapping = Readonly<Record<string, ColumnMapping | string>>;

/** A row as knex and `upsert` take it. */
export type MappedRow = Record<string, SqlValue>;

const OPTIONS: readonly string[] = [
  ...["from", "constant", "type", "default", "values", "otherwise", "required", "truncate", "charset"],
  ...["substitute", "timeZone"],
];

interface Column {
  readonly name: string;
  /** The value; throws ValueFault. */
  valueOf(payload: string, event: MappedEvent | undefined): SqlValue;
  /** For messages: `payload.amount -> PAY_AMT decimal(12,2)`. */
  readonly title: string;
}

const compiled = new WeakMap<Mapping, readonly Column[]>();

/**
 * The row that a mapping makes of an event. Numbers are taken from the payload's text digit by digit.
 * @param payload its JSON text: `msg.data`.
 * @param event for columns from `envelope.…`: the message, or its envelope.
 * @throws Permanent naming fields and columns that do not go together, never a value.
 * @throws HmsSyncClientError `invalid_mapping` as `checkMapping`.
 */
export function rowOf(mapping: Mapping, payload: string, event?: MappedEvent): MappedRow {
  const row: MappedRow = {};
  const faults: string[] = [];
  for (const column of columnsOf(mapping)) {
    try {
      row[column.name] = column.valueOf(payload, event);
    } catch (error) {
      if (!(error instanceof ValueFault)) throw error;
      faults.push(`${column.title}: ${error.message}`);
    }
  }
  if (faults.length > 0) throw new Permanent(`mapping: ${faults.join("; ")}`);
  return row;
}

/** Checks a mapping before the first event. @throws HmsSyncClientError `invalid_mapping` with every problem and remedy. */
export function checkMapping(mapping: Mapping): void {
  columnsOf(mapping);
}

function columnsOf(mapping: Mapping): readonly Column[] {
  const known = compiled.get(mapping);
  if (known !== undefined) return known;
  const columns: Column[] = [];
  const problems: string[] = [];
  for (const [name, given] of Object.entries(mapping)) {
    const column = compile(name, typeof given === "string" ? { from: given } : given);
    if (typeof column === "string") problems.push(column);
    else columns.push(column);
  }
  if (Object.keys(mapping).length === 0) problems.push("there is no column; name at least one");
  if (problems.length > 0) throw new HmsSyncClientError("invalid_mapping", problems.join("\n"));
  compiled.set(mapping, columns);
  return columns;
}

/** The column, or what is wrong with it. */
function compile(name: string, mapping: ColumnMapping): Column | string {
  const problem = problemOf(mapping);
  if (problem !== undefined) return `column ${name}: ${problem}`;
  const { type, timeZone = "UTC", charset, substitute, truncate = false } = mapping;
  const options: ColumnOptions = {
    charset: charset as ColumnOptions["charset"],
    substitute,
    truncate,
    timeZone,
  };
  const convert = type === undefined ? convertAsIs(options) : convertFor(type, options);
  if (convert === undefined)
    return `column ${name}: type ${JSON.stringify(type)} is none; there are ${TYPES}`;
  const source = mapping.from === undefined ? undefined : readerOf(mapping.from);
  if (typeof source === "string") return `column ${name}: ${source}`;
  const fixed = faultOfFixed(mapping, convert);
  if (fixed !== undefined) return `column ${name}: ${fixed}`;
  const title = `${mapping.from ?? "constant"} -> ${name}${type === undefined ? "" : ` ${type}`}`;
  return { name, title, valueOf: valueFor(mapping, source, convert) };
}

function problemOf(mapping: ColumnMapping): string | undefined {
  if (typeof mapping !== "object" || mapping === null || Array.isArray(mapping)) {
    return "write the field it comes from, as payload.amount, or an object with from";
  }
  const unknown = Object.keys(mapping).find((option) => !OPTIONS.includes(option));
  if (unknown !== undefined) return `${unknown} is no option; there are ${OPTIONS.join(", ")}`;
  const { from, constant, type, charset, timeZone, substitute, otherwise, values } = mapping;
  if ((from === undefined) === (constant === undefined)) return "give either from or constant";
  if (from !== undefined && typeof from !== "string") return "from is a text, as payload.amount";
  if (type !== undefined && typeof type !== "string") return `type is a text; there are ${TYPES}`;
  if (charset !== undefined && !isCharset(charset)) {
    return `charset ${JSON.stringify(charset)} is none; there are ascii, latin1, windows-1252, utf8mb3`;
  }
  if (timeZone !== undefined && !isTimeZone(timeZone)) {
    return `timeZone ${JSON.stringify(timeZone)} is none; write an IANA name as America/Chicago`;
  }
  if (substitute !== undefined && charset === undefined) return "substitute needs a charset";
  if (otherwise !== undefined && values === undefined) return "otherwise needs values";
  return undefined;
}

/** Values that the mapping itself holds have to fit, too: better said at the start than at each event. */
function faultOfFixed(mapping: ColumnMapping, convert: Convert): string | undefined {
  const { constant, default: fallback, otherwise, values = {} } = mapping;
  for (const value of [constant, fallback, otherwise, ...Object.values(values)]) {
    try {
      converted(value ?? null, convert);
    } catch (error) {
      if (!(error instanceof ValueFault)) throw error;
      return `${JSON.stringify(value)} does not fit${mapping.type ? ` ${mapping.type}` : ""}: ${error.message}`;
    }
  }
  return undefined;
}

function valueFor(mapping: ColumnMapping, source: Source | undefined, convert: Convert): Column["valueOf"] {
  const { constant, default: fallback = null, values, otherwise, required = false } = mapping;
  if (source === undefined) {
    const value = converted(constant ?? null, convert);
    return () => value;
  }
  return (payload, event) => {
    const json = source(payload, event);
    const given = json !== undefined && json !== "null";
    const value = !given
      ? converted(fallback, convert)
      : values === undefined
        ? convert(json)
        : converted(looked(values, json, otherwise), convert);
    if (value === null && required) throw new ValueFault("missing");
    return value;
  };
}

function looked(
  values: Readonly<Record<string, Scalar>>,
  json: string,
  otherwise: Scalar | undefined,
): Scalar {
  const name = json.startsWith('"') ? (JSON.parse(json) as string) : json;
  const value = Object.hasOwn(values, name) ? values[name] : otherwise;
  if (value === undefined) throw new ValueFault("none of the values that are named");
  return value;
}

function converted(value: Scalar, convert: Convert): SqlValue {
  return value === null ? null : convert(JSON.stringify(value));
}
