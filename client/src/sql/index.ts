export { type Dialect, dialectOf, type KnexLike, type SqlValue } from "./dialect.js";
export {
  type ColumnMapping,
  checkMapping,
  type MappedRow,
  type Mapping,
  rowOf,
  type Scalar,
} from "./mapping.js";
export { type OnceOptions, ReplayTooOld, StaleLease } from "./once.js";
export type { OnceRecord, OnceScope, OnceStore } from "./once-store.js";
export { createOnceTable, ONCE_TABLE, onceTableDdl } from "./once-table.js";
export type { EventFields, MappedEvent } from "./source.js";
export { classifySqlError, isAway, sqlReason, sqlRefusal } from "./sql-error.js";
export { type SqliteConnection, sqliteLocking } from "./sqlite-locking.js";
export { type Statement, upsert, upsertStatement } from "./upsert.js";
export {
  type AwayOptions,
  type KnexDatabase,
  type WritableMessage,
  type WriteOptions,
  whenReachable,
  writeOnce,
} from "./write-once.js";
