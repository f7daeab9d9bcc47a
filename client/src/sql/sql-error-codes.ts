/**
 * The errors with which a database refuses the row itself, however often it is written: values that do not fit and
 * constraints. Whatever is not here may be over at the next try, or is for the operator to mend: deadlocks, timeouts,
 * lost connections, and also missing tables, columns and rights, which no event is to blame for.
 */

/** SQLSTATE: classes 22 (data exception) and 23 (integrity constraint violation). PostgreSQL, appendix A. */
export const permanentState = /^2[23][0-9A-Z]{3}$/;

/** MariaDB and MySQL: server error numbers. */
export const permanentMysql: ReadonlySet<number> = new Set([
  ...[1022, 1062, 1169, 1586, 1761, 1762], // duplicate key
  ...[1216, 1217, 1451, 1452], // foreign key
  ...[1048, 1364], // NULL, no default
  ...[1264, 1265, 1292, 1366, 1367, 1406, 1411, 1690], // range, truncation, wrong value, charset, too long
  ...[3140, 3819, 4025, 1300, 1977, 3854], // JSON, check constraint (MySQL, MariaDB), charset
]);

/** SQLite: primary result codes SQLITE_TOOBIG, SQLITE_CONSTRAINT and SQLITE_MISMATCH, by name; extended ones add a word. */
export const permanentSqlite = /^SQLITE_(CONSTRAINT|TOOBIG|MISMATCH)(_|$)/;

/** SQL Server: sys.messages. */
export const permanentMssql: ReadonlySet<number> = new Set([
  ...[2601, 2627], // duplicate key
  547, // foreign key or check
  515, // NULL
  ...[2628, 8152], // too long
  ...[220, 232, 8115, 8114, 245, 248], // overflow, conversion
  ...[241, 242, 295, 296, 517], // dates
]);

/** Oracle: ORA- numbers. */
export const permanentOracle: ReadonlySet<number> = new Set([
  1, // unique
  ...[2290, 2291, 2292], // check, foreign key
  ...[1400, 1407, 1451], // NULL
  ...[12899, 1401, 910, 1461], // too long
  ...[1438, 1426, 1722, 1455], // number
  ...[1830, 1839, 1840, 1841, 1843, 1847, 1850, 1858, 1861], // dates
  ...[12704, 1482, 29275], // charset
]);

/** What says that the database itself is away, or not ready to be talked to. */
export const awayCodes: ReadonlySet<string> = new Set([
  ...[
    "ECONNREFUSED",
    "ECONNRESET",
    "EPIPE",
    "ETIMEDOUT",
    "EHOSTUNREACH",
    "ENETUNREACH",
    "ENOTFOUND",
    "EAI_AGAIN",
  ],
  ...["ENOENT", "ESOCKET", "ECONNCLOSED", "ETIMEOUT", "EINVALIDSTATE"], // unix socket; tedious
  ...["PROTOCOL_CONNECTION_LOST", "ER_SERVER_SHUTDOWN", "ER_CON_COUNT_ERROR", "ER_CONNECTION_KILLED"], // mysql2
  ...["57P01", "57P02", "57P03", "53300", "08000", "08001", "08003", "08004", "08006"], // PostgreSQL
  ...["ORA-01033", "ORA-01034", "ORA-01089", "ORA-03113", "ORA-03114", "ORA-03135", "ORA-12514", "ORA-12541"],
  ...["NJS-500", "NJS-501", "NJS-503", "NJS-510", "NJS-521", "DPI-1010", "DPI-1080"],
]);
