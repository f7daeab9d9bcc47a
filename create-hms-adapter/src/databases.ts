/** A database that an adapter can write to. */
export interface Database {
  readonly name: DatabaseName;
  /** As its makers write it. */
  readonly label: string;
  /** The npm package of its driver, with the versions that run on Node 20. */
  readonly driver: readonly [name: string, version: string];
  /** Environment of `.env.example`: where the database is. */
  readonly url: string;
  /** How names that nobody quoted are kept: what a legacy table is most likely called. */
  readonly letters: "lower" | "upper";
}

export type DatabaseName = "postgres" | "mysql" | "mssql" | "oracle" | "sqlite";

/** SQLite as libsql brings it: compiled for each platform, so that no compiler is needed. */
export const sqliteDriver = ["better-sqlite3", "npm:libsql@^0.5.29"] as const;

export const databases: Readonly<Record<DatabaseName, Database>> = {
  postgres: {
    name: "postgres",
    label: "PostgreSQL",
    driver: ["pg", "^8.23.1"],
    url: "postgres://adapter:password@localhost:5432/legacy",
    letters: "lower",
  },
  mysql: {
    name: "mysql",
    label: "MySQL or MariaDB",
    driver: ["mysql2", "^3.24.6"],
    url: "mysql://adapter:password@localhost:3306/legacy",
    letters: "upper",
  },
  mssql: {
    name: "mssql",
    label: "Microsoft SQL Server",
    driver: ["tedious", "^19.2.2"],
    url: "mssql://adapter:password@localhost:1433/legacy?encrypt=true&trustServerCertificate=false",
    letters: "upper",
  },
  oracle: {
    name: "oracle",
    label: "Oracle",
    driver: ["oracledb", "^6.9.0"],
    url: "oracle://adapter:password@localhost:1521/LEGACY",
    letters: "upper",
  },
  sqlite: {
    name: "sqlite",
    label: "SQLite",
    driver: sqliteDriver,
    url: "data/legacy.sqlite",
    letters: "upper",
  },
};

/** Other words for them. */
const aliases: Readonly<Record<string, DatabaseName>> = {
  ...{ pg: "postgres", postgresql: "postgres", mariadb: "mysql", mysql2: "mysql" },
  ...{
    sqlserver: "mssql",
    tedious: "mssql",
    oracledb: "oracle",
    sqlite3: "sqlite",
    "better-sqlite3": "sqlite",
  },
};

export const databaseNames = Object.keys(databases) as DatabaseName[];

/** The database of that name or of another word for it; undefined when it is none. */
export function databaseNamed(text: string): Database | undefined {
  const word = text.toLowerCase();
  const name = Object.hasOwn(aliases, word) ? aliases[word]! : word;
  return Object.hasOwn(databases, name) ? databases[name as DatabaseName] : undefined;
}

/** Everything a database may be called on the command line. */
export const databaseWords = [...databaseNames, ...Object.keys(aliases)];
